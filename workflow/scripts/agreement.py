"""Compare all explanations of an experiment with each other."""

from pellucid.jobs.script import job
from pellucid.score.agreement import run

with job(snakemake):
    run(
        attributions=snakemake.input.attributions,
        facts=snakemake.input.facts,
        table=snakemake.output.table,
        arrays=snakemake.output.arrays,
    )
