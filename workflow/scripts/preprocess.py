"""Split, scale and describe the data of an experiment."""

from functools import partial
from pathlib import Path

from pellucid.config.data_requirements import require_names
from pellucid.config.resolution import require_fit
from pellucid.jobs.script import Snakemake, job
from pellucid.prepare.run import preprocess

snakemake: Snakemake

with job(snakemake) as params:
    preprocess(
        dataset=params.dataset,
        paths=dict(snakemake.input.items()),
        split=params.split,
        scale=params.scale,
        seed=params.seed,
        folder=Path(snakemake.output.data_info).parent,
        memory_mb=snakemake.resources.memory_mb,
        classes=params.classes,
        explained=params.explained,
        # Not among the parameters: what is explained changes nothing in what is written here.
        require=partial(require_fit, snakemake.config, snakemake.wildcards.experiment),
        require_names=partial(require_names, snakemake.config, snakemake.wildcards.experiment),
    )
