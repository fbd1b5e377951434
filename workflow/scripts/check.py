"""Check every method of an experiment before its maps are believed."""

from pellucid.compare.checks import run
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    run(
        methods=params.methods,
        explained={
            method: {"attributions": attributions, "cost": cost, "checks": checks}
            for method, attributions, cost, checks in zip(
                params.methods, snakemake.input.attributions, snakemake.input.cost, snakemake.input.checks, strict=True
            )
        },
        data_info=snakemake.input.data_info,
        model=snakemake.input.model,
        training=snakemake.input.training,
        randomised=snakemake.input.get("parameter_randomisation"),
        seed=params.seed,
        threads=params.threads,
        memory_mb=params.memory_mb,
        table=snakemake.output[0],
    )
