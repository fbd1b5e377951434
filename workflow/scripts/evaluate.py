"""Predict and score the test examples."""

from pathlib import Path

from pellucid.evaluate.run import evaluate
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake, whole=True) as params:
    evaluate(
        x=snakemake.input.x,
        others=snakemake.input.get("other_test"),
        labels=snakemake.input.labels,
        data_info=snakemake.input.data_info,
        model=snakemake.input.model,
        threads=params.threads,
        memory_mb=params.memory_mb,
        training=snakemake.input.training,
        x_validation=snakemake.input.get("x_validation"),
        others_validation=snakemake.input.get("other_validation"),
        groups=snakemake.input.get("groups"),
        untrained=params.untrained,
        folder=Path(snakemake.output.metrics).parent,
    )
