"""Draw how explanations depend on the seed of the training."""

from pellucid.draw.study_explanations import draw
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    draw(title=params.title, table=snakemake.input[0], pictures=list(snakemake.output))
