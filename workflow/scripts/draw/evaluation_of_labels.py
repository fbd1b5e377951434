"""Draw the evaluation of a model that predicts several labels."""

from pellucid.draw.evaluation_of_labels import draw_confusion, draw_labels, draw_reliability
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    shared = {
        "metrics": snakemake.input.metrics,
        "per_label": snakemake.input.per_label,
        "title": params.title,
    }
    draw_labels(pictures=list(snakemake.output[:2]), **shared)
    draw_confusion(table=snakemake.input.confusion, pictures=list(snakemake.output[2:4]), **shared)
    draw_reliability(table=snakemake.input.reliability, pictures=list(snakemake.output[4:]), **shared)
