"""Choose the test examples that every method explains."""

from pathlib import Path

from pellucid.job import job
from pellucid.selection import select

with job(snakemake) as params:
    select(
        data=Path(snakemake.input.facts).parent,
        predictions=snakemake.input.predictions,
        seed=params.seed,
        output=snakemake.output[0],
        **params.examples,
    )
