"""Name the tasks that a model is trained for, and what its outputs are in each.

single_label: each example has one class of several; the model ends in a softmax.
multi_label: each example has any number of labels; the model ends in one sigmoid for each.
regression: each example has one or several measured values; the model ends in a linear layer.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.logits import softmax

Task = Literal["single_label", "multi_label", "regression"]

SINGLE_LABEL: Task = "single_label"
MULTI_LABEL: Task = "multi_label"
REGRESSION: Task = "regression"
TASKS: tuple[Task, ...] = (SINGLE_LABEL, MULTI_LABEL, REGRESSION)

# The last activation of a model, in the names of Keras.
ACTIVATION: dict[str, str] = {SINGLE_LABEL: "softmax", MULTI_LABEL: "sigmoid", REGRESSION: "linear"}
# What one output of the model stands for, and what is explained of it.
OUTPUT_WORD: dict[str, str] = {SINGLE_LABEL: "class", MULTI_LABEL: "label", REGRESSION: "value"}
OUTPUT_WORDS: dict[str, str] = {SINGLE_LABEL: "classes", MULTI_LABEL: "labels", REGRESSION: "values"}
QUANTITY: dict[str, str] = {SINGLE_LABEL: "logit", MULTI_LABEL: "logit", REGRESSION: "value"}


def probabilities(task: str, logits: NDArray[Any]) -> NDArray[np.float64] | None:
    """Return the probabilities (N, outputs) of logits (N, outputs), in float64; None for a regression."""
    if task == REGRESSION:
        return None
    return sigmoid(logits) if task == MULTI_LABEL else softmax(logits)


def sigmoid(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Return 1 / (1 + exp(-z)) of logits z, in float64; no logit overflows."""
    small = np.exp(-np.abs(logits.astype(np.float64)))
    return np.asarray(np.where(logits >= 0, 1, small) / (1 + small), np.float64)
