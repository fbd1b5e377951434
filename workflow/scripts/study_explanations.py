"""Compare the explanations of the same examples by several trainings."""

from pellucid.compare.trainings import run
from pellucid.job import job

with job(snakemake):
    run(
        groups=snakemake.params.groups,
        members=snakemake.params.members,
        methods=snakemake.params.methods,
        seed=snakemake.params.seed,
        results="results",
        table=snakemake.output[0],
    )
