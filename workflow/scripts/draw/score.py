"""Draw one score of every explanation of an experiment."""

from pellucid.draw.score import draw
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    draw(
        score=snakemake.wildcards.score,
        title=params.title,
        table=snakemake.input.table,
        arrays=snakemake.input.arrays,
        pictures=list(snakemake.output),
    )
