"""Draw the leaderboard of an experiment."""

from pellucid.draw.leaderboard import draw
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    draw(
        title=params.title,
        over=params.over,
        table=snakemake.input.table,
        metrics=snakemake.input.metrics,
        chance=snakemake.input.get("chance"),
        ranking=snakemake.output[:2],
        tradeoffs=snakemake.output[2:],
    )
