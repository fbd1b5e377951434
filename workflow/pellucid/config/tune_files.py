"""The files of `tune`, and what its rule takes from the configuration."""

from __future__ import annotations

from typing import Any

from pellucid.config import tune_checks
from pellucid.config.experiment_files import TargetError, explained, results, setting
from pellucid.config.resolution import Config


def is_tuned(config: Config, experiment: str) -> bool:
    """Return whether the variants of methods are compared by a score."""
    return setting(config, experiment).get("tune") is not None


def values(config: Config, experiment: str) -> str:
    """Return the file with the scores of single examples by which variants are chosen.

    Raises:
        TargetError: the experiment does not say `tune`.
    """
    if not is_tuned(config, experiment):
        raise TargetError(f"results/{experiment}/score/tuned is asked for, but the experiment does not say tune.")
    return f"{results(experiment)}/score/{setting(config, experiment, 'tune', 'score')}/scores.npz"


def compared(config: Config, experiment: str) -> dict[str, Any]:
    """Return the score, its metric, and the variants of each method with a sweep; see `tune_checks.compared`."""
    tune = setting(config, experiment, "tune")
    methods = tune_checks.compared(setting(config, experiment, "methods"))
    return {"score": tune["score"], "metric": tune_checks.metric(tune), "methods": methods}


def all_figures(config: Config) -> list[str]:
    """Return the figure of each experiment that says `tune`, as PNG."""
    return [f"{results(name)}/score/tuned.png" for name in explained(config) if is_tuned(config, name)]


def recorded(config: Config, experiment: str) -> list[str]:
    """Return what MLflow records of it."""
    if experiment in config.unexplained or not is_tuned(config, experiment):
        return []
    return [f"{results(experiment)}/score/tuned.{suffix}" for suffix in ("csv", "png", "svg")]
