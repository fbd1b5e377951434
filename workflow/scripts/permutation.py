"""Measure how much worse the model answers when a channel or a place is shuffled."""

from pellucid.jobs.script import Snakemake, job
from pellucid.summarise.permutation import run

snakemake: Snakemake

with job(snakemake) as params:
    run(
        model=snakemake.input.model,
        examples=snakemake.input.examples,
        x=snakemake.input.x,
        data_info=snakemake.input.data_info,
        seed=params.seed,
        threads=params.threads,
        memory_mb=params.memory_mb,
        table=snakemake.output[0],
    )
