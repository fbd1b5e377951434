"""Compare the chosen variants of methods with the defaults, on examples by which they were not chosen."""

from pellucid.compare.tuned import run
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    run(
        compared=params.compared,
        values=snakemake.input["values"],
        examples=snakemake.input.examples,
        groups=snakemake.input.groups,
        seed=params.seed,
        table=snakemake.output[0],
    )
