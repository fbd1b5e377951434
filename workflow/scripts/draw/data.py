"""Draw training examples of every class."""

from pellucid.draw.data import draw
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    draw(
        data=snakemake.input.data_info,
        x=snakemake.input.x,
        labels=snakemake.input.labels,
        measured=snakemake.input.measured,
        title=params.title,
        pictures=list(snakemake.output),
    )
