"""Draw training examples beside augmented copies of them."""

from pellucid.draw.augmentation import draw
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    draw(
        data=snakemake.input.data_info,
        x=snakemake.input.x,
        labels=snakemake.input.labels,
        measured=snakemake.input.measured,
        settings=params.augmentation,
        seed=params.seed,
        title=params.title,
        pictures=list(snakemake.output),
    )
