"""The loss of several labels, and the scores of several labels and of values, that Keras lacks.

Import this module after TensorFlow has been started. The classes are not registered with Keras, which would store them
with every model: give them as custom objects to load a checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops
from numpy.typing import NDArray

from pellucid.ranks import area_under_roc


class LabelsLoss(keras.losses.Loss):  # type: ignore[misc]
    """Cross-entropy or focal loss of independent labels, the mean over the labels.

    Args:
        gamma: of the focal loss, `-(1 - p)^gamma log p` of the true answer's probability p; 0 is the cross-entropy.
        label_smoothing: the share of each answer that is spread evenly over yes and no.
        positive_weights: (labels,), the factor of the loss of an example that has the label; none: 1.

    Source: Lin et al. 2017, arXiv:1708.02002, equation 4; Szegedy et al. 2016, arXiv:1512.00567, section 7.
    """

    def __init__(
        self,
        gamma: float = 0.0,
        label_smoothing: float = 0.0,
        positive_weights: Sequence[float] = (),
        name: str = "objective",
        **others: Any,
    ):
        super().__init__(name=name, **others)
        self.gamma, self.label_smoothing, self.positive_weights = gamma, label_smoothing, tuple(positive_weights)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each example (N,), from labels of 0 and 1 and probabilities, (N, labels) each."""
        present = ops.cast(y_true, y_pred.dtype)
        truth = present * (1 - self.label_smoothing) + 0.5 * self.label_smoothing
        # On probabilities that a sigmoid has just made, it works on the logits, and never computes log 0.
        loss = ops.binary_crossentropy(truth, y_pred)
        if self.gamma:
            loss = loss * (1 - truth * y_pred - (1 - truth) * (1 - y_pred)) ** self.gamma
        if self.positive_weights:
            weights = ops.convert_to_tensor(self.positive_weights, y_pred.dtype)
            loss = loss * (1 + present * (weights - 1))
        return ops.mean(loss, -1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for serialisation."""
        settings = {"gamma": self.gamma, "label_smoothing": self.label_smoothing}
        return {**super().get_config(), **settings, "positive_weights": list(self.positive_weights)}


class AbsoluteError(keras.metrics.Metric):  # type: ignore[misc]
    """Mean absolute error of values, each multiplied by a factor; the mean over examples and values.

    Sample weights are ignored.
    """

    def __init__(self, factors: Sequence[float], name: str = "mae", **others: Any):
        super().__init__(name=name, **others)
        self.factors = tuple(factors)
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the errors of predicted values (N, values)."""
        factors = ops.convert_to_tensor(self.factors, self.dtype)
        errors = ops.abs(ops.cast(y_true, self.dtype) - ops.cast(y_pred, self.dtype)) * factors
        self.total.assign_add(ops.sum(ops.mean(errors, -1)))
        self.count.assign_add(ops.cast(ops.shape(errors)[0], self.dtype))

    def result(self) -> Any:
        """Return the mean of all examples since the last reset."""
        return self.total / ops.maximum(self.count, 1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for serialisation."""
        return {**super().get_config(), "factors": list(self.factors)}


def macro_auroc(labels: NDArray[Any], scores: NDArray[Any]) -> float:
    """Return the mean area under the ROC curve of the labels that some examples have and some have not; NaN for none.

    The area is the share of pairs (an example with the label, one without it) that the scores put in this order, ties
    counted as half.

    Args:
        labels: (N, labels) of 0 and 1.
        scores: (N, labels).

    Source: Hanley JA, McNeil BJ. The Meaning and Use of the Area under a ROC Curve. Radiology 143 (1982).
    """
    from scipy.stats import rankdata

    present = labels == 1
    known = present.any(0) & ~present.all(0)
    if not known.any():
        return float("nan")
    return float(area_under_roc(rankdata(scores[:, known], axis=0), present[:, known]).mean())
