"""Which time steps of its output a model is explained at, read from the layer that picks them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pellucid.network.layers import walk

if TYPE_CHECKING:
    import keras

# Name of the layer (a Cropping1D) that cuts the explained steps out of the scores (N, T, C).
LAYER = "explained_steps"
# Name of the layer (a GlobalAveragePooling1D) behind it that takes their mean, if there are several.
MEAN = "mean_of_steps"


@dataclass(frozen=True)
class ExplainedSteps:
    """The steps of the output that are explained.

    Attributes:
        first: position of the first step, from 0.
        stop: one past the last.
        total: T, number of steps of the whole output.
    """

    first: int
    stop: int
    total: int

    def __str__(self) -> str:
        """Return the step or window in words, as in "step 12 of 0-99"."""
        if self.stop == self.first + 1:
            return f"step {self.first} of 0–{self.total - 1}"
        return f"the mean of steps {self.first}–{self.stop - 1} of 0–{self.total - 1}"


def of_model(model: keras.Model) -> ExplainedSteps | None:
    """Return the steps that a model with outputs (N, C) picks from its scores (N, T, C); None for any other model."""
    for layer in walk(model):
        if layer.name == LAYER and type(layer).__name__ == "Cropping1D":
            first, after = (int(size) for size in layer.cropping)
            total = int(layer.input.shape[1])
            return ExplainedSteps(first, total - after, total)
    return None
