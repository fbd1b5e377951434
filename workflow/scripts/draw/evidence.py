"""Draw what the model says with and without the planted evidence."""

from pellucid.draw.evidence import draw
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    draw(table=snakemake.input[0], title=params.title, pictures=list(snakemake.output))
