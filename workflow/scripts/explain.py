"""Explain the chosen examples by one method."""

from pellucid.explain.run import run
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    run(
        method=params.method,
        parameters=params.parameters,
        model=snakemake.input.get("model"),
        examples=snakemake.input.examples,
        seed=params.seed,
        threads=params.threads,
        memory_mb=params.memory_mb,
        attributions=snakemake.output.attributions,
        cost=snakemake.output.cost,
        checks=snakemake.output.checks,
        training=snakemake.input.get("training"),
        data_info=snakemake.input.get("data_info"),
    )
