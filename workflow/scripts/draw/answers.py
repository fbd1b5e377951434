"""Draw which labels the examples have, or how their values are distributed."""

from pellucid.draw.answers import draw
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    draw(
        data=snakemake.input.data_info,
        labels=snakemake.input.labels,
        title=params.title,
        pictures=list(snakemake.output),
    )
