"""Join the leaderboards of several experiments."""

from pellucid.compare.experiments import run
from pellucid.jobs.script import job

with job(snakemake) as params:
    run(boards=dict(zip(params.experiments, snakemake.input, strict=True)), table=snakemake.output[0])
