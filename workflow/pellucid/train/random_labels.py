"""How the model that a score compares with is trained: as the experiment's own, but on labels that mean nothing.

Source: Adebayo J, Gilmer J, Muelly M, Goodfellow I, Hardt M, Kim B. Sanity Checks for Saliency Maps. NeurIPS (2018),
section 4.2, data randomisation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid import seeds


def recipe(training: Mapping[str, Any], epochs: int | str) -> dict[str, Any]:
    """The experiment's `training` entry, for as long as memorising the labels takes.

    No validation example can say which epoch is best; the one with the least training loss is kept, which has
    memorised most.

    Args:
        training: the experiment's.
        epochs: a number, or "recipe" for that of `training`.
    """
    return {**training, "epochs": training["epochs"] if epochs == "recipe" else epochs, "monitor": "loss"}


def seed(experiment: int) -> int:
    """That of the training, made of the experiment's.

    It begins at weights of its own: of two models that began alike, maps may agree for that reason alone.
    """
    return seeds.integer(experiment, "random labels")
