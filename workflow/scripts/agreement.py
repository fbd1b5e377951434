"""Compare all explanations of an experiment with each other."""

from pellucid.compare.agreement import run
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake):
    run(
        attributions=snakemake.input.attributions,
        data_info=snakemake.input.data_info,
        table=snakemake.output.table,
        arrays=snakemake.output.arrays,
    )
