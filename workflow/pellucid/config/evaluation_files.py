"""The files of an experiment's evaluation: those of its task, or predictions alone without labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pellucid.config import task as tasks_of
from pellucid.config import unlabelled
from pellucid.config.experiment_files import RESULTS, results, settings_of
from pellucid.config.resolution import Config
from pellucid.tasks import MULTI_LABEL, REGRESSION, SINGLE_LABEL

# Whether the model's predictions are better than chance.
CHANCE = f"{RESULTS}/evaluation/chance.json"
# The probability from which each of several labels is predicted.
THRESHOLDS = f"{RESULTS}/evaluation/thresholds.json"
# The table of the classes, labels or values.
PER_OUTPUT: dict[str, str] = {SINGLE_LABEL: "per_class.csv", MULTI_LABEL: "per_label.csv", REGRESSION: "per_value.csv"}
_SCORED: dict[str, tuple[str, ...]] = {
    SINGLE_LABEL: ("confusion_matrix.csv", "reliability.csv"),
    MULTI_LABEL: ("thresholds.json", "confusion_per_label.csv", "reliability_per_label.csv"),
    REGRESSION: ("coverage.csv",),
}


def evaluation(config: Config, experiment: str) -> list[str]:
    """Return the files of the evaluation that MLflow records."""
    names: tuple[str, ...] = ()
    if unlabelled.is_labelled(settings := settings_of(config, experiment)):
        task = tasks_of.of(settings)
        names = ("metrics.json", "chance.json", PER_OUTPUT[task], *_SCORED[task])
    return [f"{results(experiment)}/evaluation/{name}" for name in (*names, "predictions.csv")]


def chance(config: Config, experiment: str) -> dict[str, str]:
    """Return `chance.json` by the name "chance"; nothing for examples without labels."""
    labelled = unlabelled.is_labelled(settings_of(config, experiment))
    return {"chance": CHANCE.format(experiment=experiment)} if labelled else {}


def per_output(config: Config, experiment: str) -> str:
    """Return the table of the classes, labels or values of an experiment whose examples have labels."""
    return f"{results(experiment)}/evaluation/{PER_OUTPUT[tasks_of.of(settings_of(config, experiment))]}"


def thresholds(config: Config, experiment: str) -> dict[str, str]:
    """Return `thresholds.json` by the name "thresholds"; nothing but for examples with several labels."""
    return {"thresholds": THRESHOLDS.format(experiment=experiment)} if _is(config, experiment, MULTI_LABEL) else {}


def without_labels(config: Config) -> str:
    """Return a pattern of the names of the experiments whose examples have no labels; of none, one that never fits."""
    return _pattern(name for name, settings in config.experiments.items() if not unlabelled.is_labelled(settings))


def of_task(config: Config, task: str) -> str:
    """Return a pattern of the names of the experiments with labels and this task, for single_label of all others."""
    if task != SINGLE_LABEL:
        return _pattern(name for name in config.experiments if _is(config, name, task))
    others = (without_labels(config), of_task(config, MULTI_LABEL), of_task(config, REGRESSION))
    return f"(?!comparison/)(?!(?:{'|'.join(others)})/)[a-z][a-z0-9_]*"


def _is(config: Config, experiment: str, task: str) -> bool:
    settings: Mapping[str, Any] = settings_of(config, experiment)
    return unlabelled.is_labelled(settings) and tasks_of.of(settings) == task


def _pattern(names: Any) -> str:
    """Return a pattern that fits these names alone; of none, one that never fits."""
    escaped = "|".join(map(re.escape, names))
    return f"(?:{escaped})" if escaped else "(?!)"
