"""Which job starts first: figures before scores and views, and in every experiment one explanation before the rest."""

from __future__ import annotations

from pellucid import plugins
from pellucid.config import experiment_files
from pellucid.config.resolution import Config

# Of all jobs that could start, Snakemake starts the one with the highest priority. Jobs that are not listed have 0.
PRIORITIES = {
    "draw_explanation": 60,
    "first_explanation": 50,
    "select_examples": 43,
    "evaluate": 42,
    "train": 41,
    "preprocess": 40,
    "figure": 30,
    "explanation": 20,
    "train_random_labels": 10,
}


def explanation_priority(config: Config, experiment: str, method: str) -> int:
    """Return the priority of a method's job: in every experiment the fastest method comes early."""
    fastest = min(experiment_files.names(config, experiment, "methods"), key=_cost)
    return PRIORITIES["first_explanation" if method == fastest else "explanation"]


def _cost(method: str) -> tuple[bool, int, str]:
    """Order methods by the time to an explanation: a gradient takes one pass."""
    spec = plugins.spec("explain", method)
    return spec.family != "gradient", len(spec.requires), method
