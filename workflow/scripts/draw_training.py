"""Draw the learning curves."""

from pellucid.draw.training import draw
from pellucid.job import job

with job(snakemake):
    draw(
        history=snakemake.input.history,
        facts=snakemake.input.facts,
        title=snakemake.params.title,
        pictures=list(snakemake.output),
    )
