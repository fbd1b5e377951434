"""Ask the model about the test examples with and without their planted evidence."""

from pathlib import Path

from pellucid.evidence import run
from pellucid.job import job

with job(snakemake, whole=True) as params:
    run(
        data=Path(snakemake.input.facts).parent,
        model=snakemake.input.model,
        seed=params.seed,
        threads=params.threads,
        memory_mb=params.memory_mb,
        table=snakemake.output[0],
    )
