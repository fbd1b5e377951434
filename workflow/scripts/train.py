"""Train the model of an experiment, or go on with a training that was killed."""

from pathlib import Path

from pellucid.jobs.script import Snakemake, job
from pellucid.train.run import train

snakemake: Snakemake

with job(snakemake, whole=True) as params:
    train(
        x_train=snakemake.input.x_train,
        x_validation=snakemake.input.x_validation,
        labels=snakemake.input.labels,
        measured=snakemake.input.measured,
        data_info=snakemake.input.data_info,
        others={
            split: path
            for split in ("train", "validation")
            if (path := snakemake.input.get(f"other_{split}")) is not None
        },
        model=params.model,
        paths={name: snakemake.input[name] for name in params.files},
        training=params.training,
        seed=params.seed,
        permuted=params.permuted,
        threads=params.threads,
        code=params.code,
        checkpoints=params.checkpoints,
        # Not among the parameters: where checkpoints are kept changes nothing in the outputs.
        checkpoint_store=snakemake.resources.get("checkpoint_store"),
        folder=Path(snakemake.output.model).parent,
    )
