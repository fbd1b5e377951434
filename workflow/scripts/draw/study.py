"""Draw the test scores of the members of a study."""

from pellucid.draw.study import draw
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    draw(
        title=params.title,
        members=params.members,
        table=snakemake.input[0],
        pictures=list(snakemake.output),
    )
