"""Put the members of a study side by side."""

from pellucid.compare.members import run
from pellucid.job import job

with job(snakemake) as params:
    run(
        members=params.members,
        results="results",
        table=snakemake.output.table,
        summary=snakemake.output.summary,
    )
