"""Write the page of an experiment."""

from pellucid.jobs.script import Snakemake, job
from pellucid.page.build import build

snakemake: Snakemake

with job(snakemake) as params:
    optional = ("metrics", "per_class", "chance", "leaderboard", "leaderboard_metrics", "checks")
    build(
        experiment=snakemake.wildcards.experiment,
        title=params.title,
        settings=params.settings,
        data_info=snakemake.input.data_info,
        training=snakemake.input.training,
        attributions=dict(zip(params.settings["methods"], snakemake.input.get("attributions", []), strict=True)),
        output=snakemake.output.page,
        report_summary=snakemake.output.summary,
        **{name: snakemake.input.get(name) for name in optional},
    )
