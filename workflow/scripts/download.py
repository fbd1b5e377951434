"""Download one file of a data source."""

from pellucid.downloads import fetch
from pellucid.job import job

with job(snakemake):
    fetch(*snakemake.params.source, snakemake.output[0])
