"""Compare all explanations of an experiment with each other."""

from pellucid.compare.agreement import run
from pellucid.jobs.script import Snakemake, job
from pellucid.score.shared.explanations import measured_files_of

snakemake: Snakemake

with job(snakemake) as params:
    run(
        attributions=snakemake.input.get("attributions", []),
        measured=measured_files_of(list(params.methods), dict(snakemake.input.items())),
        methods=params.methods,
        data_info=snakemake.input.data_info,
        table=snakemake.output.table,
        arrays=snakemake.output.arrays,
    )
