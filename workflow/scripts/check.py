"""Check every method of an experiment before its maps are believed."""

from pellucid.job import job
from pellucid.score.checks import run

with job(snakemake):
    run(
        methods=snakemake.params.methods,
        explain=snakemake.params.explain,
        facts=snakemake.input.facts,
        model=snakemake.input.model,
        training=snakemake.input.training,
        randomised=snakemake.input.get("parameter_randomisation"),
        seed=snakemake.params.seed,
        threads=snakemake.params.threads,
        memory_mb=snakemake.params.memory_mb,
        table=snakemake.output[0],
    )
