"""Draw the confusion matrix and the reliability diagram."""

from pellucid.draw.evaluation import draw_confusion, draw_reliability
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    shared = {"metrics": snakemake.input.metrics, "title": params.title}
    draw_confusion(table=snakemake.input.confusion, pictures=list(snakemake.output[:2]), **shared)
    draw_reliability(table=snakemake.input.reliability, pictures=list(snakemake.output[2:]), **shared)
