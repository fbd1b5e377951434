"""Train the model of an experiment, or go on with a training that was killed."""

from pathlib import Path

from pellucid.job import job
from pellucid.training import train

with job(snakemake):
    train(
        data=Path(snakemake.input.facts).parent,
        model=snakemake.params.model,
        paths={name: snakemake.input[name] for name in snakemake.params.files},
        training=snakemake.params.training,
        seed=snakemake.params.seed,
        permuted=snakemake.params.permuted,
        threads=snakemake.params.threads,
        code=snakemake.params.code,
        checkpoints=snakemake.params.checkpoints,
        folder=Path(snakemake.output.model).parent,
    )
