"""Draw how much the explanations of an experiment agree."""

from pellucid.draw.agreement import draw
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    draw(title=params.title, arrays=snakemake.input[0], pictures=list(snakemake.output))
