"""Score every explanation of an experiment."""

from pellucid.jobs.script import Snakemake, job
from pellucid.score.run import run
from pellucid.score.shared.explanations import files_of

snakemake: Snakemake

with job(snakemake) as params:
    run(
        score=params.score,
        parameters=params.parameters,
        methods=params.methods,
        explained=files_of(list(params.methods), dict(snakemake.input.items())),
        data_info=snakemake.input.data_info,
        seed=params.seed,
        threads=params.threads,
        memory_mb=params.memory_mb,
        table=snakemake.output.table,
        arrays=snakemake.output.arrays,
        **{
            name: snakemake.input.get(name)
            for name in ("model", "training", "labels", "random_labels", "random_training", "groups")
        },
    )
