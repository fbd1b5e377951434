"""Download one file of a data source or a model."""

from pellucid.downloads import fetch
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    fetch(**params.source, target=snakemake.output[0])
