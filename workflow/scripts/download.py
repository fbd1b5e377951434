"""Download one file of a data source or a model."""

from pellucid.downloads import fetch
from pellucid.job import job

with job(snakemake):
    fetch(**snakemake.params.source, target=snakemake.output[0])
