"""Draw one example of each class through all methods."""

from pellucid.draw.overview import draw
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    draw(
        methods=params.methods,
        attributions=dict(zip(params.methods, snakemake.input.attributions, strict=True)),
        title=params.title,
        data_info=snakemake.input.data_info,
        checks=snakemake.input.checks,
        chance=snakemake.input.get("chance"),
        pictures=list(snakemake.output),
    )
