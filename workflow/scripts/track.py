"""Record an experiment and its explanations in MLflow."""

from pathlib import Path

from pellucid import digests
from pellucid.job import job
from pellucid.tracking import track

with job(snakemake) as params:
    folder = Path(snakemake.output[0]).parent
    # The record takes tables and figures as well of methods and scores that are no longer asked for.
    digests.check(path for path in folder.rglob("*") if path.suffix in (".csv", ".png", ".svg"))
    track(
        name=snakemake.wildcards.experiment,
        settings=params.settings,
        study=params.study,
        threads=params.threads,
        folder=folder,
        root=Path(snakemake.scriptdir).resolve().parents[1],
        output=snakemake.output[0],
        **params.tracking,
    )
