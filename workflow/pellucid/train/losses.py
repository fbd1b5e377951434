"""A loss and a metric that Keras lacks, for labels that are class numbers.

Import this module after TensorFlow has been started. The classes are not registered with Keras, which would store them
with every model: give them as custom objects to load a checkpoint.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


class SmoothedFocalLoss(keras.losses.Loss):  # type: ignore[misc]
    """Cross-entropy or focal loss of class probabilities, with smoothed labels.

    Args:
        gamma: of the focal loss, `-(1 - p)^gamma log p`; 0 is the cross-entropy.
        label_smoothing: the share of each label that is spread evenly over all classes.

    Source: Lin et al. 2017, arXiv:1708.02002, equation 4; Szegedy et al. 2016, arXiv:1512.00567, section 7.
    """

    def __init__(self, gamma: float = 0.0, label_smoothing: float = 0.0, name: str = "objective", **others: Any):
        super().__init__(name=name, **others)
        self.gamma, self.label_smoothing = gamma, label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each example (N,), from labels (N,) or (N, 1) and probabilities (N, classes)."""
        truth = ops.one_hot(ops.reshape(ops.cast(y_true, "int32"), (-1,)), y_pred.shape[-1], dtype=y_pred.dtype)
        if not self.gamma:
            # Unlike the focal loss with gamma 0, it works on the logits below the softmax, and never computes log 0.
            return keras.losses.categorical_crossentropy(truth, y_pred, label_smoothing=self.label_smoothing)
        return keras.losses.categorical_focal_crossentropy(
            truth, y_pred, alpha=1.0, gamma=self.gamma, label_smoothing=self.label_smoothing
        )

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for serialisation."""
        return {**super().get_config(), "gamma": self.gamma, "label_smoothing": self.label_smoothing}


class BalancedAccuracy(keras.metrics.Metric):  # type: ignore[misc]
    """Mean recall of the classes that occur: the accuracy if every class had equally many examples.

    Sample weights are ignored.
    """

    def __init__(self, classes: int, name: str = "balanced_accuracy", **others: Any):
        super().__init__(name=name, **others)
        self.classes = classes
        self.seen = self.add_variable((classes,), "zeros", name="seen")
        self.correct = self.add_variable((classes,), "zeros", name="right")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count labels (N,) or (N, 1), and those whose class has the highest of the probabilities (N, classes)."""
        label = ops.reshape(ops.cast(y_true, "int32"), (-1,))
        truth = ops.one_hot(label, self.classes, dtype=self.dtype)
        correct = ops.cast(ops.equal(label, ops.cast(ops.argmax(y_pred, -1), "int32")), self.dtype)
        self.seen.assign_add(ops.sum(truth, 0))
        self.correct.assign_add(ops.sum(truth * correct[:, None], 0))

    def result(self) -> Any:
        """Return the mean recall of all examples since the last reset."""
        seen = ops.sum(ops.cast(self.seen > 0, self.dtype))
        return ops.sum(self.correct / ops.maximum(self.seen, 1)) / ops.maximum(seen, 1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments, for serialisation."""
        return {**super().get_config(), "classes": self.classes}
