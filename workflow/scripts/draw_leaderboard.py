"""Draw the leaderboard of an experiment."""

from pellucid.draw.leaderboard import draw
from pellucid.job import job

with job(snakemake):
    draw(
        title=snakemake.params.title,
        table=snakemake.input.table,
        metrics=snakemake.input.metrics,
        ranking=snakemake.output[:2],
        tradeoffs=snakemake.output[2:],
    )
