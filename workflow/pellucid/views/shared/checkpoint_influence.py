"""Influence of training examples, summed over checkpoints of the training, by the weights of the last dense layer.

Source: Pruthi G, Liu F, Kale S, Sundararajan M. Estimating Training Data Influence by Tracing Gradient Descent. NeurIPS
(2020), section 3.2 (TracInCP) and section 4 (the last layer alone).
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.network.checkpoint_weights import Checkpoint
from pellucid.network.explained_model import ExplainedModel
from pellucid.tasks import SINGLE_LABEL
from pellucid.views.base import ViewData
from pellucid.views.shared.last_dense import LastDense, loss_slope, score_slope
from pellucid.views.shared.sampling import parts


@dataclass(frozen=True)
class Influence:
    """The influence of M training examples on N examples and on themselves.

    Attributes:
        epochs: (T,) of the checkpoints that are summed over; empty: the final weights alone, with the factor 1.
        layer: whose output the features are.
        features, logits: (M, units), (M, classes), of the training examples by the final weights.
        own_features, own_logits: (N, units), (N, classes), of the examples by the final weights.
        on_examples: (N, M), positive where a step of training raises the score of the target, or lowers the loss.
        on_themselves: (M,).
    """

    epochs: NDArray[np.int64]
    layer: str
    features: NDArray[np.float64]
    logits: NDArray[np.float32]
    own_features: NDArray[np.float64]
    own_logits: NDArray[np.float32]
    on_examples: NDArray[np.float64] = field(repr=False)
    on_themselves: NDArray[np.float64] = field(repr=False)

    @classmethod
    def of(cls, model: ExplainedModel, data: ViewData, sampled: NDArray[np.int64], *, on_loss: bool) -> Influence:
        """Compute the influence of training examples on the selected ones.

        Args:
            model: the model; its weights are those of the last checkpoint, and are restored at the end.
            data: with training examples, selected examples and perhaps checkpoints.
            sampled: (M,) indices of the training examples.
            on_loss: on the cross-entropy of the example's own class, and not on the score of its target.

        Raises:
            InputError: the scores are not made by a dense layer from a vector; or the checkpoints are of another model.
        """
        (x, labels), arrays = data.training, data.examples
        _require_own(model, data.checkpoints)
        # The last ones are the model's own weights, which are read as they are.
        moments = [(checkpoint.learning_rate, checkpoint.weights) for checkpoint in data.checkpoints[:-1]]
        moments.append((data.checkpoints[-1].learning_rate if data.checkpoints else 1.0, {}))
        on_examples: NDArray[np.float64] = np.zeros((len(arrays["inputs"]), len(sampled)))
        on_themselves: NDArray[np.float64] = np.zeros(len(sampled))
        for rate, weights in moments:
            with model.altered(weights) if weights else nullcontext():
                last = LastDense.of(model, arrays["inputs"])
                read = [last.read(part) for part in parts(x, sampled, model.batch_size())]
                own_features, own_logits = last.read(arrays["inputs"])
            features, logits = (np.concatenate(blocks) for blocks in zip(*read, strict=True))
            pull = loss_slope(SINGLE_LABEL, logits, labels[sampled])
            if on_loss:
                slope = loss_slope(SINGLE_LABEL, own_logits, arrays["labels"])
            else:
                slope = -score_slope(arrays["targets"], logits.shape[1])
            on_examples += rate * ((own_features @ features.T) * (slope @ pull.T))
            on_themselves += rate * ((features**2).sum(1) * (pull**2).sum(1))
        epochs = np.array([checkpoint.epoch for checkpoint in data.checkpoints], np.int64)
        final = features, logits, own_features, own_logits
        return cls(epochs, last.layer, *final, on_examples, on_themselves)


def _require_own(model: ExplainedModel, checkpoints: list[Checkpoint]) -> None:
    """Refuse checkpoints that do not end at the weights of the model (InputError)."""
    if not checkpoints:
        return
    trained, last = model.weights, checkpoints[-1].weights
    if trained.keys() != last.keys() or not all(
        len(values) == len(last[name]) and all(map(np.array_equal, values, last[name]))
        for name, values in trained.items()
    ):
        problem = "their last weights are not those of the model."
        raise InputError("checkpoints", problem, "Train the model again, so that both come from the same training.")
