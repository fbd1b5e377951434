"""Choose which of the measured examples are scored."""

from pellucid.jobs.script import Snakemake, job
from pellucid.summarise.scored import select

snakemake: Snakemake

with job(snakemake) as params:
    select(
        examples=snakemake.input[0],
        number=params.number,
        seed=params.seed,
        output=snakemake.output[0],
    )
