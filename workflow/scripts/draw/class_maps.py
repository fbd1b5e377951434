"""Draw the class maps of one variant of a method."""

from pellucid.draw.class_maps import draw
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    draw(
        variant=snakemake.wildcards.variant,
        parameters=params.parameters,
        maps=snakemake.input.maps,
        data=snakemake.input.data_info,
        title=params.title,
        align=params.align,
        pictures=list(snakemake.output),
    )
