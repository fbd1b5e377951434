"""Record an experiment and its explanations in MLflow."""

from pathlib import Path

from pellucid.job import job
from pellucid.tracking import track

with job(snakemake):
    track(
        name=snakemake.wildcards.experiment,
        settings=snakemake.params.settings,
        study=snakemake.params.study,
        threads=snakemake.params.threads,
        folder=Path(snakemake.output[0]).parent,
        root=Path(snakemake.scriptdir).resolve().parents[1],
        output=snakemake.output[0],
        **snakemake.params.tracking,
    )
