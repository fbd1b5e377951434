"""Compute one variant of a view of the model."""

from pellucid.job import job
from pellucid.views.run import run

with job(snakemake):
    run(
        view=snakemake.params.view,
        variant=snakemake.wildcards.variant,
        parameters=snakemake.params.parameters,
        model=snakemake.input.model,
        facts=snakemake.input.facts,
        sources={name: snakemake.input[name] for name in snakemake.params.sources},
        seed=snakemake.params.seed,
        threads=snakemake.params.threads,
        memory_mb=snakemake.params.memory_mb,
        arrays=snakemake.output.arrays,
        cost=snakemake.output.cost,
        texts={suffix: snakemake.output[suffix] for suffix in snakemake.params.texts},
    )
