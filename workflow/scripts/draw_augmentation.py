"""Draw training examples beside augmented copies of them."""

from pellucid.draw.augmentation import draw
from pellucid.job import job

with job(snakemake):
    draw(
        data=snakemake.input.facts,
        x=snakemake.input.x,
        labels=snakemake.input.labels,
        measured=snakemake.input.measured,
        settings=snakemake.params.augmentation,
        seed=snakemake.params.seed,
        title=snakemake.params.title,
        pictures=list(snakemake.output),
    )
