"""Create the MLflow store before several jobs write to it."""

from pellucid.jobs.script import Snakemake, job
from pellucid.tracking import prepare

snakemake: Snakemake

with job(snakemake) as params:
    prepare(
        uri=params.tracking["uri"],
        experiment=params.tracking["experiment"],
        artifacts=params.tracking.get("artifacts", ""),
        output=snakemake.output[0],
    )
