"""Draw the ranks of the methods over several trainings."""

from pellucid.draw.study_ranking import draw
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    draw(
        title=params.title,
        table=snakemake.input.table,
        findings=snakemake.input.findings,
        pictures=list(snakemake.output),
    )
