"""Compute one variant of a view of the model."""

from pellucid.jobs.script import Snakemake, job
from pellucid.views.run import run

snakemake: Snakemake

with job(snakemake) as params:
    run(
        view=params.view,
        variant=snakemake.wildcards.variant,
        parameters=params.parameters,
        model=snakemake.input.model,
        data_info=snakemake.input.data_info,
        sources={
            name: path for name in (*params.sources, "checkpoints") if (path := snakemake.input.get(name)) is not None
        },
        seed=params.seed,
        threads=params.threads,
        memory_mb=params.memory_mb,
        arrays=snakemake.output.arrays,
        cost=snakemake.output.cost,
        named=dict(zip(params.named, snakemake.input.get("named", []), strict=True)),
        texts={suffix: snakemake.output[suffix] for suffix in params.texts},
    )
