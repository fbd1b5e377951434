"""Draw one measured example with its attributions by one variant of a method."""

from pellucid.draw.measured_example import draw
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    draw(
        variant=snakemake.wildcards.variant,
        parameters=params.parameters,
        index=int(snakemake.wildcards.index),
        maps=list(snakemake.input.maps),
        examples=snakemake.input.examples,
        x=snakemake.input.x,
        truth=snakemake.input.truth,
        filled=snakemake.input.filled,
        data=snakemake.input.data_info,
        title=params.title,
        pictures=list(snakemake.output),
    )
