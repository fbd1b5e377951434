"""Rank the methods over several trainings, and test which differences hold."""

from pellucid.compare.study_ranking import run
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    names = [name for group in params.groups for name in group]
    run(
        groups=params.groups,
        members=params.members,
        scores={
            name: {
                score: (snakemake.input[f"{name}/{score}/table"], snakemake.input[f"{name}/{score}/arrays"])
                for score in params.scores[name]
            }
            for name in names
        },
        examples={name: snakemake.input[f"{name}/examples"] for name in names},
        origins={name: snakemake.input[f"{name}/groups of examples"] for name in names},
        table=snakemake.output.table,
        differences=snakemake.output.differences,
        findings=snakemake.output.findings,
    )
