"""Predict the examples of an experiment whose data have no labels."""

from pathlib import Path

from pellucid.evaluate.predict import predict
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake, whole=True) as params:
    predict(
        x=snakemake.input.x,
        others=snakemake.input.get("other_test"),
        labels=snakemake.input.labels,
        data_info=snakemake.input.data_info,
        model=snakemake.input.model,
        threads=params.threads,
        memory_mb=params.memory_mb,
        folder=Path(snakemake.output.predictions).parent,
    )
