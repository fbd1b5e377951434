"""What the page of an experiment is made from, and the pages of all experiments."""

from __future__ import annotations

from typing import Any

from pellucid.config import evaluation_files, summary_files, view_files
from pellucid.config.experiment_files import (
    PAGE,
    RESULTS,
    explained,
    explanations,
    is_compared,
    results,
    setting,
)
from pellucid.config.resolution import Config
from pellucid.config.shown_examples import told

# What the page says in sentences, for the first page of the report.
SUMMARY = f"{RESULTS}/summary.json"


def inputs(config: Config, experiment: str) -> dict[str, str | list[str]]:
    """Return what a page shows beside the data and the model, by the name of the rule's input."""
    here = results(experiment)
    files: dict[str, str | list[str]] = {**explanations(config, experiment, "attributions")}
    if chance := evaluation_files.chance(config, experiment):  # only where the examples have labels
        files |= {
            "metrics": f"{here}/evaluation/metrics.json",
            "per_class": evaluation_files.per_output(config, experiment),
            **chance,
        }
    if is_compared(config, experiment):
        tables = {"leaderboard": "leaderboard", "leaderboard_metrics": "metrics", "checks": "checks"}
        files |= {name: f"{here}/score/{table}.csv" for name, table in tables.items()}
    if measured := view_files.measures(config, experiment):
        files["view_measures"] = measured
    if linked := summary_files.figures(config, experiment):  # so that no link leads nowhere
        files |= {"flags": summary_files.flags(config, experiment), "linked": linked}
    return files


def settings(config: Config, experiment: str) -> dict[str, Any]:
    """Return the settings that a page tells of."""
    keys = ("model", "training", "seed", "examples", "methods", "scores")
    chosen = {key: setting(config, experiment, key) for key in keys}
    return {**chosen, "examples": told(chosen["examples"])}


def all_pages(config: Config) -> list[str]:
    """Return the pages of all experiments to be explained."""
    return [PAGE.format(experiment=experiment) for experiment in explained(config)]


def all_summaries(config: Config) -> dict[str, str]:
    """Return the summary of each experiment to be explained."""
    return {experiment: SUMMARY.format(experiment=experiment) for experiment in explained(config)}
