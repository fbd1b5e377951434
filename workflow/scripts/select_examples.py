"""Choose the test examples that every method explains."""

from pathlib import Path

from pellucid.job import job
from pellucid.selection import select

with job(snakemake):
    select(
        data=Path(snakemake.input.facts).parent,
        predictions=snakemake.input.predictions,
        seed=snakemake.params.seed,
        output=snakemake.output[0],
        **snakemake.params.examples,
    )
