"""The last dense layer of a model: its features, and the derivative of an example's loss by the scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.network.explained_model import ExplainedModel
from pellucid.targets import along_outputs
from pellucid.tasks import REGRESSION, SINGLE_LABEL, probabilities
from pellucid.views.shared.features import feature_layer, features_and_logits, plain_layers

_CLOSE = 1e-3  # of the largest score: by how much the scores of the last layer may differ from the model's


@dataclass(frozen=True)
class LastDense:
    """A model whose scores are features × kernel + bias.

    Attributes:
        model: the model.
        layer: whose output the features are.
        bias: 1.0 if the layer has a bias, else 0.0: the feature that the bias is multiplied by.
    """

    model: ExplainedModel
    layer: str
    bias: float

    @classmethod
    def of(cls, model: ExplainedModel, inputs: NDArray[np.float32]) -> LastDense:
        """Find the last dense layer, and compare features × kernel + bias of inputs (N, *input_shape) with the scores.

        Raises:
            InputError: the scores are not made by a dense layer from a vector.
        """
        layer = feature_layer(model, "last_features")
        with_weights = [part for part in plain_layers(model).values() if part.weights]
        weights = [np.asarray(weight, np.float64) for weight in with_weights[-1].get_weights()]
        found, logits = features_and_logits(model, inputs, layer)
        found = found.astype(np.float64)
        fits = weights[0].shape == (found.shape[1], logits.shape[1]) and len(weights) <= 2
        scores = (
            found @ weights[0] + (weights[1] if len(weights) == 2 else 0) if fits else np.full(logits.shape, np.nan)
        )
        if not (np.abs(scores - logits) <= _CLOSE * max(float(np.abs(logits).max()), 1e-6)).all():
            problem = f'the scores are not computed by a dense layer from the output of "{layer}".'
            raise InputError("model", problem, "The view compares how examples change the weights of such a layer.")
        return cls(model, layer, float(len(weights) == 2))

    def read(self, inputs: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Return the features (N, units), with the bias's, and the scores (N, outputs) of inputs (N, *input_shape)."""
        found, logits = features_and_logits(self.model, inputs, self.layer)
        return np.concatenate([found.astype(np.float64), np.full((len(found), 1), self.bias)], 1), logits


def loss_slope(task: str, logits: NDArray[np.float32], answers: NDArray[Any]) -> NDArray[np.float64]:
    """Return the derivative of the loss by the scores: (N, outputs).

    The loss is the cross-entropy of the class, or of each label, or half the squared error of each value.

    Args:
        task: of the model.
        logits: (N, outputs).
        answers: (N,) classes, or (N, outputs).
    """
    wanted = np.eye(logits.shape[1])[answers] if task == SINGLE_LABEL else answers.astype(np.float64)
    said = logits.astype(np.float64) if task == REGRESSION else probabilities(task, logits)
    assert said is not None
    return np.asarray(said - wanted)


def score_slope(targets: NDArray[np.int64], outputs: int) -> NDArray[np.float64]:
    """Return the derivative of the explained scores of targets (N,) by all scores: (N, outputs)."""
    return np.asarray(along_outputs(np.eye(outputs), targets).T)
