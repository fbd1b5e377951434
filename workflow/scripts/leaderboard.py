"""Rank the explanations of an experiment."""

from pellucid.job import job
from pellucid.score.leaderboard import run

with job(snakemake):
    run(
        scores={score: snakemake.input[score] for score in snakemake.params.scores},
        checks=snakemake.input.checks,
        table=snakemake.output.table,
        metrics=snakemake.output.metrics,
    )
