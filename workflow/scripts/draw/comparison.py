"""Draw the leaderboard over experiments."""

from pellucid.draw.comparison import draw
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    draw(
        table=snakemake.input.table,
        chance=dict(zip(params.experiments, snakemake.input.chance, strict=True)),
        pictures=list(snakemake.output),
    )
