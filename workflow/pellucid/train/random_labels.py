"""Settings of the training on random labels, for the score of the same name.

Source: Adebayo J, Gilmer J, Muelly M, Goodfellow I, Hardt M, Kim B. Sanity Checks for Saliency Maps. NeurIPS (2018),
section 4.2, data randomisation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid import seeds


def recipe(training: Mapping[str, Any], epochs: int | str) -> dict[str, Any]:
    """Return the experiment's `training` entry with other epochs and another monitored score.

    Validation scores mean nothing here: the epoch with the lowest training loss is kept, which has memorised most.

    Args:
        training: the experiment's.
        epochs: a number, or "recipe" for that of `training`.
    """
    return {**training, "epochs": training["epochs"] if epochs == "recipe" else epochs, "monitor": "loss"}


def seed(experiment: int) -> int:
    """Return the seed of the training, derived from the seed of the experiment.

    The training starts with other weights: maps of two models with equal initial weights may agree for that reason.
    """
    return seeds.integer(experiment, "random labels")
