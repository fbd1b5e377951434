"""Choose the test examples that every method explains."""

from pellucid.jobs.script import Snakemake, job
from pellucid.prepare.example_selection import select

snakemake: Snakemake

with job(snakemake) as params:
    select(
        x=snakemake.input.x,
        others=snakemake.input.get("other_test"),
        truth=snakemake.input.truth,
        measured=snakemake.input.measured,
        data_info=snakemake.input.data_info,
        predictions=snakemake.input.predictions,
        thresholds=snakemake.input.get("thresholds"),
        seed=params.seed,
        output=snakemake.output[0],
        **params.examples,
    )
