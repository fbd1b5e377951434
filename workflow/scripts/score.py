"""Score every explanation of an experiment."""

from pellucid.job import job
from pellucid.score.run import run

with job(snakemake):
    run(
        score=snakemake.params.score,
        parameters=snakemake.params.parameters,
        methods=snakemake.params.methods,
        explain=snakemake.params.explain,
        facts=snakemake.input.facts,
        seed=snakemake.params.seed,
        threads=snakemake.params.threads,
        memory_mb=snakemake.params.memory_mb,
        table=snakemake.output.table,
        arrays=snakemake.output.arrays,
        **{
            name: snakemake.input.get(name) for name in ("model", "training", "labels", "random_labels", "random_facts")
        },
    )
