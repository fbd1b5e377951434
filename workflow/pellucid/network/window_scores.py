"""What the scores of covered windows need: which values a window covers, and when to recompute only around it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.network import incremental_graph_plan, incremental_plan, tracing
from pellucid.network.incremental import IncrementalScorer
from pellucid.network.incremental_graph import GraphScorer
from pellucid.network.incremental_graph_plan import GraphPlan
from pellucid.network.layers import last_layer

if TYPE_CHECKING:
    import keras

# Multiplications that take as long as tracing the functions of `incremental.py` (1 s), at 20 to 40 thousand million a
# second.
_WORK_OF_TRACING = 3e10


class IncrementalScorers:
    """The incremental scorers of a model, `made` by window size, each when it first pays."""

    def __init__(self, tf_: Any, model: keras.Model) -> None:
        self._tf, self._model = tf_, model
        self.made: dict[tuple[int, ...], IncrementalScorer | GraphScorer] = {}
        self._graphs: dict[tuple[int, ...], GraphPlan | None] = {}

    @cached_property
    def plan(self) -> incremental_plan.IncrementalPlan | None:
        """How to compute the model incrementally as a chain of layers; None where that cannot be done."""
        return incremental_plan.plan(self._model)

    def graph(self, size: tuple[int, ...]) -> GraphPlan | None:
        """Return how to compute a model that is no such chain, for windows of a size; None where that saves nothing."""
        if size not in self._graphs:
            self._graphs[size] = incremental_graph_plan.plan(self._model, size)
        return self._graphs[size]

    def for_windows(self, size: tuple[int, ...], passes: int) -> IncrementalScorer | GraphScorer | None:
        """Return the scorer for windows of a size; None where it is impossible or does not pay for so many passes."""
        if size not in self.made:
            without_softmax = partial(tracing.without_softmax, last_layer(self._model))
            shape = tuple(self._model.inputs[0].shape[1:])
            if (plan := self.plan) is not None:
                incremental, full = plan.work(size)
                if passes * (full - incremental) > _WORK_OF_TRACING:
                    self.made[size] = IncrementalScorer(self._tf, plan, shape, size, without_softmax)
            elif (graph := self.graph(size)) is not None:
                incremental, full = graph.work
                if passes * (full - incremental) > _WORK_OF_TRACING * graph.tracing:
                    self.made[size] = GraphScorer(self._tf, graph, shape, size, without_softmax)
        return self.made.get(size)


def window_mask(
    starts: NDArray[np.int64], size: Sequence[int], channels: NDArray[np.int64], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Return which values lie in each window: (windows, *shape)."""
    mask: NDArray[np.bool_] = (channels[:, np.newaxis] < 0) | (channels[:, np.newaxis] == np.arange(shape[-1]))
    for axis in reversed(range(len(size))):
        offset = np.arange(shape[axis]) - starts[:, axis, np.newaxis]
        along = (offset >= 0) & (offset < size[axis])
        mask = along.reshape(*along.shape, *(1,) * (mask.ndim - 1)) & mask[:, np.newaxis]
    return mask
