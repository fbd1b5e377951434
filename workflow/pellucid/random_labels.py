"""The model that a score compares with: of the same architecture, and trained on labels that mean nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid import seeds
from pellucid.training import train


def train_on_random_labels(*, training: Mapping[str, Any], epochs: int | str, seed: int, **arguments: Any) -> None:
    """Train as the experiment's model was trained, but on permuted labels, for as long as memorising them takes.

    It begins at weights of its own: of two models that began alike, maps may agree for that reason alone. No validation
    example can say which epoch is best; the one with the least training loss is kept, which has memorised most.

    Args:
        training: the experiment's `training` entry.
        epochs: a number, or "recipe" for that of `training`.
        seed: of the experiment.
        arguments: the others of `training.train`.

    Source: Adebayo J, Gilmer J, Muelly M, Goodfellow I, Hardt M, Kim B. Sanity Checks for Saliency Maps. NeurIPS
    (2018), section 4.2, data randomisation.
    """
    recipe = {**training, "epochs": training["epochs"] if epochs == "recipe" else epochs, "monitor": "loss"}
    train(training=recipe, seed=seeds.integer(seed, "random labels"), permuted=True, **arguments)
