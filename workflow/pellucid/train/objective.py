"""What a training fits a model to: the task, the loss, the scores of each epoch, and the scale of the targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.config.task import LOSSES
from pellucid.config.training_keys import TrainingSettings
from pellucid.data_info import DataInfo
from pellucid.errors import InputError
from pellucid.messages import abbreviate
from pellucid.tasks import MULTI_LABEL, REGRESSION, SINGLE_LABEL, Task

# The scores of an epoch, as Keras names them; the last of several labels is computed after the epoch.
SCORES: dict[Task, tuple[str, ...]] = {
    SINGLE_LABEL: ("loss", "accuracy", "balanced_accuracy", "val_loss", "val_accuracy", "val_balanced_accuracy"),
    MULTI_LABEL: ("loss", "label_accuracy", "val_loss", "val_label_accuracy", "val_macro_auroc"),
    REGRESSION: ("loss", "mae", "val_loss", "val_mae"),
}
# Those in each log line.
LOGGED: dict[Task, tuple[str, ...]] = {
    SINGLE_LABEL: ("loss", "accuracy", "val_loss", "val_accuracy"),
    MULTI_LABEL: ("loss", "val_loss", "val_macro_auroc"),
    REGRESSION: ("loss", "val_loss", "val_mae"),
}
MACRO_AUROC = "val_macro_auroc"


@dataclass(frozen=True)
class Objective:
    """What a training fits a model to.

    Attributes:
        task: of the model.
        loss: its name in the configuration.
        positive_weights: for several labels, how often an example with the label counts; none: once.
        means, deviations: of the values of a regression in the training examples. A model is fitted to the values in
            standard deviations from the mean.
    """

    task: Task = SINGLE_LABEL
    loss: str = LOSSES[SINGLE_LABEL][0]
    positive_weights: tuple[float, ...] = ()
    means: tuple[float, ...] = ()
    deviations: tuple[float, ...] = ()

    @classmethod
    def of(cls, training: TrainingSettings, data_info: DataInfo) -> Objective:
        """Return the objective of a training on the data that `data.json` describes.

        Raises:
            InputError: a value is the same for all training examples, and a model is to be fitted to it.
        """
        task: Task = data_info.get("task", SINGLE_LABEL)
        loss = training.loss or LOSSES[task][0]
        if task == MULTI_LABEL:
            return cls(task, loss, _positive_weights(data_info, training.class_weights))
        statistics = data_info.get("value_statistics")
        if task != REGRESSION or statistics is None:
            return cls(task, loss)
        for name, values in statistics.items():
            if training.epochs and not values["sd"]:
                found = f"{values['mean']:g} as the value {abbreviate(name)} of all training examples"
                raise InputError.unexpected("training", found, "values that differ", "Give more examples.")
        rows = [statistics[name] for name in data_info["classes"]]
        means, deviations = (tuple(float(row[key]) for row in rows) for key in ("mean", "sd"))
        return cls(task, loss, means=means, deviations=deviations)

    @property
    def scores(self) -> tuple[str, ...]:
        """Return the names of the scores of an epoch."""
        return SCORES[self.task]

    @property
    def logged(self) -> tuple[str, ...]:
        """Return the names of the scores in each log line."""
        return LOGGED[self.task]

    def fitted(self, y: NDArray[Any]) -> NDArray[Any]:
        """Return what the model is fitted to: classes as they are, labels as float32, values standardised, float32."""
        if self.task == SINGLE_LABEL:
            return y
        if self.task == MULTI_LABEL or not self.deviations:
            return y.astype(np.float32)
        standardised = (y.astype(np.float64) - np.array(self.means)) / np.array(self.deviations)
        return np.asarray(standardised, np.float32)


def _positive_weights(data_info: DataInfo, choice: str) -> tuple[float, ...]:
    """Return how often an example that has a label counts, for each label.

    Args:
        data_info: `data.json`.
        choice: none: once, for which nothing is returned. balanced: examples without the label / examples with it.
            sqrt: the square root of that.
    """
    if choice == "none":
        return ()
    positives = np.array(list(data_info["counts"]["train"].values()), np.float64)
    weights = (data_info["examples"]["train"] - positives) / np.maximum(positives, 1)
    return tuple(float(weight) for weight in (np.sqrt(weights) if choice == "sqrt" else weights))
