"""Draw what the model says with and without the planted evidence."""

from pellucid.draw.evidence import draw
from pellucid.job import job

with job(snakemake):
    draw(table=snakemake.input[0], title=snakemake.params.title, pictures=list(snakemake.output))
