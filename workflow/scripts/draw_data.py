"""Draw training examples of every class."""

from pellucid.draw.data import draw
from pellucid.job import job

with job(snakemake):
    draw(
        data=snakemake.input.facts,
        x=snakemake.input.x,
        labels=snakemake.input.labels,
        measured=snakemake.input.measured,
        title=snakemake.params.title,
        pictures=list(snakemake.output),
    )
