"""Create the MLflow store before several jobs write to it."""

from pellucid.job import job
from pellucid.tracking import prepare

with job(snakemake):
    prepare(**snakemake.params.tracking, output=snakemake.output[0])
