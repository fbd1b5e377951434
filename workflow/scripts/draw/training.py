"""Draw the learning curves."""

from pellucid.draw.training import draw
from pellucid.jobs.script import job

with job(snakemake) as params:
    draw(
        history=snakemake.input.history,
        training_info=snakemake.input.training_info,
        title=params.title,
        pictures=list(snakemake.output),
    )
