"""Draw the average beats of one variant of a method."""

from pellucid.draw.average_beat import draw
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    draw(
        method=snakemake.wildcards.method,
        variant=snakemake.wildcards.variant,
        parameters=params.parameters,
        title=params.title,
        data=snakemake.input.data_info,
        attributions=snakemake.input.attributions,
        pictures=list(snakemake.output),
    )
