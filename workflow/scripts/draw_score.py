"""Draw one score of every explanation of an experiment."""

from pellucid.draw.score import draw
from pellucid.job import job

with job(snakemake):
    draw(
        score=snakemake.wildcards.score,
        title=snakemake.params.title,
        table=snakemake.input.table,
        arrays=snakemake.input.arrays,
        pictures=list(snakemake.output),
    )
