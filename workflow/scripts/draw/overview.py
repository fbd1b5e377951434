"""Draw one example of each class through all methods."""

from pellucid.draw.overview import draw
from pellucid.jobs.script import job

with job(snakemake) as params:
    draw(
        methods=params.methods,
        attributions=dict(zip(params.methods, snakemake.input.attributions, strict=True)),
        title=params.title,
        facts=snakemake.input.facts,
        checks=snakemake.input.checks,
        pictures=list(snakemake.output),
    )
