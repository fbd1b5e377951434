"""Check every method of an experiment before its maps are believed."""

from pellucid.compare.checks import run
from pellucid.jobs.script import Snakemake, job
from pellucid.score.shared.explanations import files_of

snakemake: Snakemake

with job(snakemake) as params:
    run(
        methods=params.methods,
        explained=files_of(list(params.methods), dict(snakemake.input.items())),
        data_info=snakemake.input.data_info,
        model=snakemake.input.model,
        training=snakemake.input.training,
        randomised=snakemake.input.get("parameter_randomisation"),
        seed=params.seed,
        threads=params.threads,
        memory_mb=params.memory_mb,
        table=snakemake.output[0],
    )
