"""Write the page of an experiment."""

from pellucid.config.variants import variants_in_time
from pellucid.jobs.script import Snakemake, job
from pellucid.page.build import build

snakemake: Snakemake

with job(snakemake) as params:
    optional = ("metrics", "per_class", "chance", "leaderboard", "leaderboard_metrics", "checks")
    methods = params.settings["methods"].items()
    # Whole classes are summarised over time alone.
    labels = [label for method, values in methods for label in variants_in_time(method, values)]
    flags = snakemake.input.get("flags")
    build(
        experiment=snakemake.wildcards.experiment,
        title=params.title,
        settings=params.settings,
        data_info=snakemake.input.data_info,
        training=snakemake.input.training,
        attributions=dict(zip(params.settings["methods"], snakemake.input.get("attributions", []), strict=True)),
        output=snakemake.output.page,
        report_summary=snakemake.output.summary,
        view_measures=snakemake.input.get("view_measures", []),
        flags=dict(zip(labels, flags, strict=True)) if flags else None,
        **{name: snakemake.input.get(name) for name in optional},
    )
