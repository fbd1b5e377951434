"""Draw one variant of a view of the model."""

from pellucid.draw.view import draw
from pellucid.job import job

with job(snakemake):
    draw(
        view=snakemake.wildcards.view,
        variant=snakemake.wildcards.variant,
        parameters=snakemake.params.parameters,
        title=snakemake.params.title,
        facts=snakemake.input.facts,
        arrays=snakemake.input.arrays,
        pictures=list(snakemake.output),
    )
