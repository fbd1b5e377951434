"""Trainings that keep the weights of some epochs (`training.kept_checkpoints`), and the views that read them."""

from __future__ import annotations

from pellucid import plugins
from pellucid.config.experiment_files import results
from pellucid.config.experiment_names import none_of, one_of
from pellucid.config.resolution import Config


def keeping(config: Config) -> str:
    """Return a pattern of the names of the experiments whose training keeps some; of none, one that never fits."""
    return one_of(_keeping(config))


def keeping_none(config: Config) -> str:
    """Return a pattern of the names of all other experiments."""
    return none_of(_keeping(config))


def of_view(config: Config, experiment: str, view: str) -> dict[str, str]:
    """Return the files that a view reads where they are there, as inputs of its rule."""
    if experiment not in _keeping(config):
        return {}
    further = plugins.spec("views", view).further_sources()
    return {name: f"{results(experiment)}/{path}" for name, path in further.items()}


def _keeping(config: Config) -> list[str]:
    return [name for name, settings in config.settings.items() if settings.training.kept_epochs()]
