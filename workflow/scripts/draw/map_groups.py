"""Draw the groups of maps of one variant of a method."""

from pellucid.draw.map_groups import draw
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    draw(
        variant=snakemake.wildcards.variant,
        parameters=params.parameters,
        maps=list(snakemake.input.maps),
        groups=snakemake.input.groups,
        flags=snakemake.input.flags,
        examples=snakemake.input.examples,
        x=snakemake.input.x,
        filled=snakemake.input.filled,
        data=snakemake.input.data_info,
        title=params.title,
        pictures=list(snakemake.output),
    )
