"""Record a study in MLflow."""

from pathlib import Path

from pellucid.jobs.script import Snakemake, job
from pellucid.tracking import track_comparison

snakemake: Snakemake

with job(snakemake) as params:
    members = params.members
    keys = dict.fromkeys(key for values in members.values() for key in values)
    track_comparison(
        name=snakemake.wildcards.study,
        kind="study",
        note=params.title,
        params={key: list({str(values[key]): values[key] for values in members.values()}.values()) for key in keys},
        tables=snakemake.input.tables,
        attached=[snakemake.input.members, *snakemake.input.figures],
        root=Path(snakemake.scriptdir).resolve().parents[1],
        output=snakemake.output[0],
        uri=params.tracking["uri"],
        experiment=params.tracking["experiment"],
        artifacts=params.tracking.get("artifacts", ""),
    )
