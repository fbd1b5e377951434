"""Draw the chosen variants of methods beside the defaults."""

from pellucid.draw.tuned import draw
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    draw(title=params.title, score=params.compared["score"], table=snakemake.input[0], pictures=list(snakemake.output))
