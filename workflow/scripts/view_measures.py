"""Summarise the measures of a view's variants."""

from pellucid.compare.view_measures import run
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    run(
        view=snakemake.wildcards.view,
        csv=dict(zip(params.variants, snakemake.input.tables, strict=True)),
        seed=params.seed,
        table=snakemake.output[0],
        groups=snakemake.input.groups,
    )
