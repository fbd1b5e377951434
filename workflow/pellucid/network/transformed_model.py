"""A model whose inputs are the coefficients of a signal: the inverse transform comes before its first layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.batching import blocks
from pellucid.network.signal_transforms import Transform
from pellucid.network.window_scores import window_mask

if TYPE_CHECKING:
    from pellucid.network.explained_model import ExplainedModel


class TransformedModel:
    """The queries of methods with a parameter `domain`, answered for coefficients instead of signals.

    It has the queries of `ExplainedModel` that these methods use, with the same names. Coefficients are complex; the
    weights, the task, held inputs and the count of the passes are those of the model.

    Args:
        model: of signals (time, channels).
        transform: of signals of this shape.
    """

    def __init__(self, model: ExplainedModel, transform: Transform) -> None:
        self.model, self.transform = model, transform

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of the coefficients of one example."""
        return self.transform.shape

    def batch_size(self, *, backward: bool = False) -> int:
        """Return how many examples go through the model at a time."""
        return self.model.batch_size(backward=backward)

    def score(self, z: NDArray[Any], target: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the score of each example's target: (N, *input_shape) to (N,)."""
        return self.model.score(self.transform.inverse(z), target)

    def gradient(self, z: NDArray[Any], target: NDArray[np.int64]) -> NDArray[np.complex64]:
        """Return the gradient of the target's score, ∂/∂Re z + i ∂/∂Im z: (N, *input_shape)."""
        return self.transform.adjoint(self.model.gradient(self.transform.inverse(z), target))

    def covered_scores(
        self,
        z: NDArray[Any],
        fill: NDArray[Any],
        target: NDArray[np.int64],
        starts: NDArray[np.int64],
        size: Sequence[int],
        channels: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        """Return the score of each example's target with one window covered, for each window: (windows, N).

        Args:
            z, fill: (N, *input_shape), the coefficients, and the values under a cover.
            target: (N,).
            starts: (windows, axes) first cell of each window on the map (`transform.cells`).
            size: of all windows, in cells per axis.
            channels: (windows,) the channel that is covered, -1 for all.
        """
        scores = np.empty((len(starts), len(z)), np.float32)
        for examples, windows in blocks(len(z), len(starts), self.batch_size()):
            cells = window_mask(starts[windows], size, channels[windows], self.transform.cells)
            mask = self.transform.spread(cells)[:, np.newaxis]
            covered = np.where(mask, fill[examples], z[examples])
            block = self.score(covered.reshape(-1, *self.input_shape), np.tile(target[examples], len(covered)))
            scores[windows, examples] = block.reshape(len(covered), -1)
        return scores
