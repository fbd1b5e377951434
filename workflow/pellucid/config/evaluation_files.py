"""The files of an experiment's evaluation: all of them, or the predictions alone where the examples have no labels."""

from __future__ import annotations

import re

from pellucid.config import unlabelled
from pellucid.config.experiment_files import results, settings_of
from pellucid.config.resolution import Config

_SCORED = ("metrics.json", "per_class.csv", "confusion_matrix.csv", "reliability.csv")


def evaluation(config: Config, experiment: str) -> list[str]:
    """Return the files of the evaluation that MLflow records."""
    scored = _SCORED if unlabelled.is_labelled(settings_of(config, experiment)) else ()
    return [f"{results(experiment)}/evaluation/{name}" for name in (*scored, "predictions.csv")]


def without_labels(config: Config) -> str:
    """Return a pattern of the names of the experiments whose examples have no labels; of none, one that never fits."""
    names = [name for name, settings in config.experiments.items() if not unlabelled.is_labelled(settings)]
    return f"(?:{'|'.join(map(re.escape, names))})" if names else "(?!)"


def with_labels(config: Config) -> str:
    """Return a pattern of the names of all other experiments."""
    return f"(?!comparison/)(?!{without_labels(config)}/)[a-z][a-z0-9_]*"
