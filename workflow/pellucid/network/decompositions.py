"""Divide a score into the parts that each feature map, each bias and each input value adds to it."""

from __future__ import annotations

from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from pellucid.batching import blocks
from pellucid.network import ablation, replacement
from pellucid.network.bias_gradients import BiasGradients
from pellucid.network.engine import ModelEngine
from pellucid.network.lrp import Relevance
from pellucid.network.lrp_rules import Rules
from pellucid.network.spans import Span

Array = NDArray[np.float32]


class Decompositions(ModelEngine):
    """Queries of `ExplainedModel` that take the score of a target apart."""

    def scores_without_maps(self, x: Array, target: NDArray[np.int64], layer: str) -> Array:
        """Return the score of each example's target with one feature map of a layer set to zero: (maps, N).

        Only the layers behind this layer are computed again for every map; each map counts as a pass.

        Args:
            x: (N, *input_shape).
            target: (N,).
            layer: its address.

        Raises:
            InputError: no such layer, or the layer is used several times and no use is named.
        """
        x, classes, number = self._inputs(x), self._targets(target, len(x)), self.n_filters(layer)
        scores, maps = np.empty((number, len(x)), np.float32), np.arange(number, dtype=np.int32)
        build = partial(ablation.scores_without_maps, self._tf, self._functions, self, layer)
        function = self._function(("scores without maps", layer), build, (x, classes, maps))
        for examples, some in blocks(len(x), number, self.batch_size()):
            scores[some, examples] = function(x[examples], classes[examples], maps[some]).numpy()
            n_examples = examples.stop - examples.start
            self.forward_passes += n_examples * (some.stop - some.start)
        return scores

    def score_with_output(self, x: Array, target: NDArray[np.int64], layer: str, output: Array) -> Array:
        """Return the score of each example's target if a layer answers with `output` instead of its own values: (N,).

        Args:
            x: (N, *input_shape); it matters only for values that do not pass through the layer.
            target: (N,).
            layer: its address.
            output: (N, *layer's shape), in the order of `activations`: feature maps last.

        Raises:
            InputError: no such layer, or a score that is NaN or infinite.
        """
        arrays = (self._inputs(x), self._targets(target, len(x)), np.asarray(output, np.float32))
        build = partial(replacement.score_with_output, self._tf, self._functions, self, layer)
        scores = self._run_single(("score with output", layer), build, *arrays, backward=False)
        return self._finite(x, scores)

    def gradient_with_output(self, x: Array, target: NDArray[np.int64], layer: str, output: Array) -> Array:
        """Return the gradient of `score_with_output` with respect to `output`, of its shape.

        Raises:
            InputError: no such layer, or the scores do not depend on it.
        """
        arrays = (self._inputs(x), self._targets(target, len(x)), np.asarray(output, np.float32))
        build = partial(replacement.gradient_with_output, self._tf, self._functions, self, layer)
        return self._run_single(("gradient with output", layer), build, *arrays, backward=True)

    def full_gradient(
        self, x: Array, target: NDArray[np.int64]
    ) -> tuple[Array, list[tuple[tuple[Span, ...], Array]], Array]:
        """Return what the input and every bias add to the score of each example's target (`bias_gradients.py`).

        Returns:
            Gradient × input (N, *input_shape); the biases' part by position (N, *units), with where the units lie on
            the input, for each size of feature maps; and the part of biases without a known position, (N,).

        Raises:
            InputError: an operation of the model whose bias is not known.
        """
        arrays = (self._inputs(x), self._targets(target, len(x)))
        at_input, *parts, rest = self._run(("full gradient",), lambda: self._bias_gradients, *arrays, backward=True)
        return at_input, list(zip(self._bias_gradients.spans, parts, strict=True)), rest

    @cached_property
    def _bias_gradients(self) -> BiasGradients:
        return BiasGradients(self._tf, self._functions, self)

    def relevance(self, x: Array, target: NDArray[np.int64], rules: Rules) -> tuple[Array, Array]:
        """Return the relevance of every input value for the score of each example's target, by LRP (`lrp.py`).

        Returns:
            (N, *input_shape); and the sum of the relevance at the input of every layer with weights, from the last to
            the first, (N, layers).

        Raises:
            InputError: an operation without a rule, or z_box on a layer that does not see the input itself.
        """
        arrays = (self._inputs(x), self._targets(target, len(x)))
        build = partial(Relevance, self._tf, self._functions, self, rules)
        relevance, sums = self._run(("relevance", rules), build, *arrays, backward=True)
        return relevance, sums
