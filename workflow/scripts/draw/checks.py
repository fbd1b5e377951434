"""Draw the checks of an experiment's explanations."""

from pellucid.draw.checks import draw
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    draw(title=params.title, checks=snakemake.input[0], pictures=list(snakemake.output))
