"""Rank the explanations of an experiment."""

from pellucid.jobs.script import job
from pellucid.score.leaderboard import run

with job(snakemake) as params:
    run(
        scores={score: snakemake.input[score] for score in params.scores},
        checks=snakemake.input.checks,
        table=snakemake.output.table,
        metrics=snakemake.output.metrics,
    )
