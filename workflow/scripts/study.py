"""Put the members of a study side by side."""

from pellucid.compare.study import run
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    run(
        members=params.members,
        metrics=dict(zip(params.members, snakemake.input.metrics, strict=True)),
        training=dict(zip(params.members, snakemake.input.training, strict=True)),
        cost=dict(zip(params.members, snakemake.input.cost, strict=True)),
        table=snakemake.output.table,
        summary=snakemake.output.summary,
    )
