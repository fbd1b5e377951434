"""Draw the learning curves."""

from pellucid.draw.training import draw
from pellucid.jobs.script import job

with job(snakemake) as params:
    draw(
        history=snakemake.input.history,
        data_info=snakemake.input.data_info,
        title=params.title,
        pictures=list(snakemake.output),
    )
