"""Write the page of an experiment."""

from pellucid.config.variants import TIME, domain_of, variants
from pellucid.jobs.script import Snakemake, job
from pellucid.page.build import build

snakemake: Snakemake

with job(snakemake) as params:
    optional = ("metrics", "per_class", "chance", "leaderboard", "leaderboard_metrics", "checks")
    runs = [run for method, values in params.settings["methods"].items() for run in variants(method, values).items()]
    # Whole classes are summarised over time alone.
    labels = [label for label, values in runs if domain_of(values) == TIME]
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
        flags=dict(zip(labels, flags, strict=True)) if flags else None,
        **{name: snakemake.input.get(name) for name in optional},
    )
