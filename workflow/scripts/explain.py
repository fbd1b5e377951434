"""Explain the chosen examples by one method."""

from pellucid.explain.run import run
from pellucid.job import job

with job(snakemake):
    run(
        method=snakemake.params.method,
        parameters=snakemake.params.parameters,
        model=snakemake.input.model,
        examples=snakemake.input.examples,
        seed=snakemake.params.seed,
        threads=snakemake.params.threads,
        memory_mb=snakemake.params.memory_mb,
        attributions=snakemake.output.attributions,
        cost=snakemake.output.cost,
        checks=snakemake.output.checks,
        training=snakemake.input.get("training"),
        facts=snakemake.input.facts,
    )
