"""Join the leaderboards of several experiments."""

from pellucid.compare.leaderboard import run
from pellucid.job import job

with job(snakemake) as params:
    inputs = zip(params.experiments, snakemake.input.table, snakemake.input.metrics, strict=True)
    run(
        boards={name: {"table": table, "metrics": metrics} for name, table, metrics in inputs},
        table=snakemake.output[0],
    )
