"""Ask the model about the test examples with and without their planted evidence."""

from pellucid.evaluate.planted_evidence import run
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake, whole=True) as params:
    run(
        x=snakemake.input.x,
        labels=snakemake.input.labels,
        truth=snakemake.input.truth,
        groups=snakemake.input.groups,
        data_info=snakemake.input.data_info,
        training=snakemake.input.training,
        model=snakemake.input.model,
        seed=params.seed,
        threads=params.threads,
        memory_mb=params.memory_mb,
        table=snakemake.output[0],
    )
