"""The least that passes through a network take: bare calls of the compiled Keras model, without any explanation."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.bench.cases import SMALL, Case
from tests.bench.timing import seconds

SIZES = (16, 64, 128, 256, 512)
# More passes than this take as long as their number says.
_MOST = 2048


class Floor:
    """Forward and backward passes at the batch size that is best for each; the softmax is left out.

    Args:
        case: the network, and inputs whose copies go through it.
    """

    def __init__(self, case: Case) -> None:
        import tensorflow as tf

        self._tf, self._shape = tf, case.inputs.shape[1:]
        # To find the best size; of a deep network fewer passes and sizes tell.
        sizes, self._tried = (SIZES, 1024) if case.name in SMALL else ((16, 64), 128)
        self._x = np.resize(case.inputs, (_MOST, *self._shape))
        self._classes = np.resize(case.targets, _MOST).astype(np.int32)
        model = case.linear
        signature = [tf.TensorSpec((None, *self._shape)), tf.TensorSpec((None,), tf.int32)]

        def forward(x: Any, classes: Any) -> Any:
            return tf.gather(model(x, training=False), classes, batch_dims=1)

        def backward(x: Any, classes: Any) -> Any:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(x)
                score = forward(x, classes)
            return tape.gradient(score, x)

        self._calls = [tf.function(call, input_signature=signature, autograph=False) for call in (forward, backward)]
        for call in self._calls:
            call(tf.constant(self._x[:2]), tf.constant(self._classes[:2]))
        self.sizes = [min(sizes, key=lambda size, way=way: self._best(way, size)) for way in (0, 1)]

    def seconds(self, forward: int, backward: int) -> float:
        """For so many passes forward and back; of more than 2048 of a kind, in proportion.

        A bare way back has a way forth of its own: several that share one (Guided Grad-CAM, Deep SHAP) can be faster.
        """
        alone = max(forward - backward, 0)
        return sum(self._timed(way, count, self.sizes[way]) for way, count in ((0, alone), (1, backward)) if count)

    def _best(self, way: int, size: int) -> float:
        return min(self._timed(way, self._tried, size) for _ in range(2))

    def _timed(self, way: int, count: int, size: int) -> float:
        taken = min(count, _MOST)

        def passes() -> None:
            for start in range(0, taken, size):
                part = slice(start, min(start + size, taken))
                self._calls[way](self._tf.constant(self._x[part]), self._tf.constant(self._classes[part])).numpy()

        return seconds(passes) * count / taken
