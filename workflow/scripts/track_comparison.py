"""Record the leaderboard over experiments in MLflow."""

from pathlib import Path

from pellucid.jobs.script import Snakemake, job
from pellucid.tracking import track_comparison

snakemake: Snakemake

with job(snakemake) as params:
    names = params.experiments
    track_comparison(
        name="comparison",
        kind="comparison",
        note="Leaderboard over experiments",
        params={"experiments": ", ".join(names)},
        tables=[snakemake.input.table],
        attached=snakemake.input.figures,
        root=Path(snakemake.scriptdir).resolve().parents[1],
        output=snakemake.output[0],
        uri=params.tracking["uri"],
        experiment=params.tracking["experiment"],
        artifacts=params.tracking.get("artifacts", ""),
    )
