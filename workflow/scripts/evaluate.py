"""Predict and score the test examples."""

from pathlib import Path

from pellucid.evaluation import evaluate
from pellucid.job import job

with job(snakemake):
    evaluate(
        data=Path(snakemake.input.facts).parent,
        model=snakemake.input.model,
        threads=snakemake.params.threads,
        memory_mb=snakemake.params.memory_mb,
        training=snakemake.input.training,
        as_it_is=snakemake.params.as_it_is,
        folder=Path(snakemake.output.metrics).parent,
    )
