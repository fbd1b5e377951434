"""Draw which channel and which time matter to one variant of a method."""

from pellucid.draw.importance import draw
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    draw(
        variant=snakemake.wildcards.variant,
        table=snakemake.input.table,
        shares=snakemake.input.shares,
        agreement=snakemake.input.agreement,
        examples=snakemake.input.examples,
        data=snakemake.input.data_info,
        title=params.title,
        pictures=list(snakemake.output),
    )
