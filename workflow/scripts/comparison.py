"""Join the leaderboards of several experiments."""

from pellucid.compare.experiments import run
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    run(
        boards=dict(zip(params.experiments, snakemake.input, strict=True)),
        over=params.over,
        table=snakemake.output[0],
    )
