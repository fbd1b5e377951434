"""Compare the explanations of the same examples after several trainings."""

from pellucid.compare.study_explanations import run
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    run(
        groups=params.groups,
        members=params.members,
        methods=params.methods,
        seed=params.seed,
        attributions={
            (name, method): snakemake.input[f"{name}/{method}"]
            for group in params.groups
            for name in group
            for method in params.methods[name]
        },
        own_seed={
            name: path
            for group in params.groups
            for name in group
            if (path := snakemake.input.get(f"{name}/seed stability"))
        },
        origins={name: snakemake.input[f"{name}/groups of examples"] for group in params.groups for name in group},
        of=params.of,
        table=snakemake.output[0],
    )
