"""Summarise the explanations of the measured examples by one variant of a method."""

from pellucid.jobs.script import Snakemake, job
from pellucid.summarise.run import summarise

snakemake: Snakemake

with job(snakemake) as params:
    summarise(
        variant=snakemake.wildcards.variant,
        parameters=params.parameters,
        maps=list(snakemake.input.maps),
        examples=snakemake.input.examples,
        x=snakemake.input.x,
        filled=snakemake.input.filled,
        data_info=snakemake.input.data_info,
        permutation=snakemake.input.permutation,
        seed=params.seed,
        outputs=dict(snakemake.output.items()),
    )
