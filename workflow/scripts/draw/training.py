"""Draw the learning curves."""

from pellucid.draw.training import draw
from pellucid.jobs.script import job

with job(snakemake) as params:
    draw(
        history=snakemake.input.history,
        facts=snakemake.input.facts,
        title=params.title,
        pictures=list(snakemake.output),
    )
