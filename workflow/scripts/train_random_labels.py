"""Train a model of the same architecture on labels that mean nothing, or go on with such a training."""

from pathlib import Path

from pellucid.job import job
from pellucid.random_labels import train_on_random_labels

with job(snakemake):
    train_on_random_labels(
        data=Path(snakemake.input.facts).parent,
        model=snakemake.params.model,
        paths={name: snakemake.input[name] for name in snakemake.params.files},
        training=snakemake.params.training,
        epochs=snakemake.params.epochs,
        seed=snakemake.params.seed,
        threads=snakemake.params.threads,
        code=snakemake.params.code,
        checkpoints=snakemake.params.checkpoints,
        folder=Path(snakemake.output.model).parent,
    )
