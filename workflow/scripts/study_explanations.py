"""Compare the explanations of the same examples by several trainings."""

from pellucid.compare.trainings import run
from pellucid.job import job

with job(snakemake) as params:
    run(
        groups=params.groups,
        members=params.members,
        methods=params.methods,
        seed=params.seed,
        results="results",
        table=snakemake.output[0],
    )
