"""Create the MLflow store before several jobs write to it."""

from pellucid.jobs.script import job
from pellucid.tracking import prepare

with job(snakemake) as params:
    prepare(**params.tracking, output=snakemake.output[0])
