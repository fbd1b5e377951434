"""Draw one example of each class through all methods."""

from pellucid.draw.overview import draw
from pellucid.job import job

with job(snakemake):
    draw(
        methods=snakemake.params.methods,
        explain=snakemake.params.explain,
        title=snakemake.params.title,
        facts=snakemake.input.facts,
        checks=snakemake.input.checks,
        pictures=list(snakemake.output),
    )
