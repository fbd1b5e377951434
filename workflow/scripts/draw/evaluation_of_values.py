"""Draw the evaluation of a model that predicts values."""

from pellucid.draw.evaluation_of_values import draw_coverage, draw_predictions
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    shared = {
        "metrics": snakemake.input.metrics,
        "per_value": snakemake.input.per_value,
        "title": params.title,
    }
    draw_predictions(predictions=snakemake.input.predictions, pictures=list(snakemake.output[:2]), **shared)
    draw_coverage(table=snakemake.input.coverage, pictures=list(snakemake.output[2:]), **shared)
