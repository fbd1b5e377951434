"""Rank the explanations of an experiment."""

from pellucid.compare.leaderboard import run
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    run(
        scores={score: snakemake.input[score] for score in params.scores},
        checks=snakemake.input.checks,
        table=snakemake.output.table,
        metrics=snakemake.output.metrics,
    )
