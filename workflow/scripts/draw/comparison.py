"""Draw the leaderboard over experiments."""

from pathlib import Path

from pellucid.draw.comparison import draw
from pellucid.jobs.script import Snakemake, job

snakemake: Snakemake

with job(snakemake) as params:
    draw(
        table=snakemake.input.table,
        # results/<experiment>/evaluation/chance.json; examples without labels have none.
        chance={Path(path).parts[-3]: path for path in snakemake.input.get("chance", [])},
        pictures=list(snakemake.output),
    )
