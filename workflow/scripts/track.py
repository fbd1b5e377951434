"""Record an experiment and its explanations in MLflow."""

from pathlib import Path

from pellucid.jobs.script import Snakemake, job
from pellucid.tracking import track

snakemake: Snakemake

with job(snakemake) as params:
    track(
        name=snakemake.wildcards.experiment,
        settings=params.settings,
        study=params.study,
        threads=params.threads,
        folder=Path(snakemake.output[0]).parent,
        recorded=list(snakemake.input),
        root=Path(snakemake.scriptdir).resolve().parents[1],
        output=snakemake.output[0],
        **params.tracking,
    )
