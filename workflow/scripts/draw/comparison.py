"""Draw the leaderboard over experiments."""

from pellucid.draw.comparison import draw
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake):
    draw(table=snakemake.input[0], pictures=list(snakemake.output))
