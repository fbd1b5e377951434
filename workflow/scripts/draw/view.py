"""Draw one variant of a view of the model."""

from pellucid.draw.view import draw
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    draw(
        view=snakemake.wildcards.view,
        variant=snakemake.wildcards.variant,
        parameters=params.parameters,
        title=params.title,
        data_info=snakemake.input.data_info,
        arrays=snakemake.input.arrays,
        pictures=list(snakemake.output),
    )
