"""Settings of the training on random labels, for the score of the same name.

Source: Adebayo J, Gilmer J, Muelly M, Goodfellow I, Hardt M, Kim B. Sanity Checks for Saliency Maps. NeurIPS (2018),
section 4.2, data randomisation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid import seeds
from pellucid.tasks import MULTI_LABEL, SINGLE_LABEL

if TYPE_CHECKING:
    import keras

    from pellucid.train.batches import Batches


def recipe(training: Mapping[str, Any], epochs: int | str) -> dict[str, Any]:
    """Return the experiment's `training` entry with other epochs and another monitored score.

    Validation scores mean nothing here: the epoch with the lowest training loss is kept, because it has memorised most.
    No view shows this model, so no other epochs are kept.

    Args:
        training: the experiment's.
        epochs: a number, or "recipe" for that of `training`.
    """
    taken = {key: value for key, value in training.items() if key != "kept_checkpoints"}
    return {**taken, "epochs": training["epochs"] if epochs == "recipe" else epochs, "monitor": "loss"}


def seed(experiment: int) -> int:
    """Return the seed of the training, derived from the seed of the experiment.

    The training starts with other weights: with equal initial weights, maps of two models may agree only because of
    them.
    """
    return seeds.integer(experiment, "random labels")


def memorised_share(model: keras.Model, batches: Batches, task: str) -> dict[str, float]:
    """Return how much of its shuffled training labels a model has memorised, and what it would reach without learning.

    single_label: the share of labels that it predicts, and that of the largest class. multi_label: the share of right
    answers (has the label, has it not), and that of the more frequent answer, both the mean of the labels. regression:
    the share of the variance that it explains (R², the mean of the values), and 0.
    """
    outputs = np.concatenate([model.predict_on_batch(batches[index][0]) for index in range(len(batches))])
    y = batches.y[batches.order]
    if task == SINGLE_LABEL:
        correct = outputs.argmax(1) == y
        return {"memorised": float(correct.mean()), "chance": float(np.bincount(batches.y).max() / len(batches.y))}
    if task == MULTI_LABEL:
        positives = y.mean(0, np.float64)
        chance = float(np.maximum(positives, 1 - positives).mean())
        return {"memorised": float(((outputs >= 0.5) == (y == 1)).mean()), "chance": chance}
    truth = y.astype(np.float64)
    unexplained = np.square(truth - outputs).sum(0) / np.square(truth - truth.mean(0)).sum(0)
    # Below 0 the mean of all examples would be a better answer: nothing is memorised.
    return {"memorised": max(0.0, float((1 - unexplained).mean())), "chance": 0.0}
