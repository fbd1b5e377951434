"""Explain one part of the measured examples by one method."""

from pellucid.jobs.script import Snakemake, job
from pellucid.summarise.measured_maps import explain_part

snakemake: Snakemake

with job(snakemake) as params:
    explain_part(
        method=params.method,
        parameters=params.parameters,
        model=snakemake.input.get("model"),
        examples=snakemake.input.examples,
        x=snakemake.input.x,
        filled=snakemake.input.filled,
        part=snakemake.wildcards.part,
        seed=params.seed,
        threads=params.threads,
        memory_mb=params.memory_mb,
        maps=snakemake.output.maps,
        facts=snakemake.output.facts,
        training=snakemake.input.get("training"),
        data_info=snakemake.input.get("data_info"),
    )
