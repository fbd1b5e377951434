"""Draw the test scores of the members of a study."""

from pellucid.draw.members import draw
from pellucid.job import job

with job(snakemake):
    draw(
        title=snakemake.params.title,
        members=snakemake.params.members,
        table=snakemake.input[0],
        pictures=list(snakemake.output),
    )
