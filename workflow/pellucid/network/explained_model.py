"""A trained model as explanations use it: scores, gradients, activations; the only door to TensorFlow for them.

`structure.py` answers what the graph says, `traced_functions.py` builds what TensorFlow computes, `engine.py` runs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.batching import blocks, squares
from pellucid.errors import InputError
from pellucid.network import deeplift, finite, target_columns, token_graph
from pellucid.network.engine import COPIES_FORWARD
from pellucid.network.learned_masks import LearnedMasks
from pellucid.network.neurons import Neurons
from pellucid.network.relu_gradients import ReluRule
from pellucid.network.window_scores import window_mask
from pellucid.targets import split
from pellucid.tasks import MULTI_LABEL, REGRESSION

Array = NDArray[np.float32]


class ExplainedModel(LearnedMasks, Neurons):
    """What explanations may ask of a model; `ModelEngine` opens, runs and checks it."""

    def logits(self, x: Array, *, called: str = "input") -> Array:
        """Return the outputs before the softmax or sigmoid (regression: the values): (N, *input_shape) to (N, outputs).

        Args:
            x: the inputs.
            called: what a message calls one of them; empty lets NaN and infinity pass.

        Raises:
            InputError: a score is NaN or infinite; names its input and the layer that it comes from.
        """
        logits = self._run_single(("logits",), lambda: self._functions.logits, self._inputs(x), backward=False)
        return self._finite(x, logits, called)

    def probabilities(self, x: Array) -> Array:
        """Return the softmax of the logits, or of several labels the sigmoids: (N, *input_shape) to (N, outputs).

        Raises:
            InputError: the model is of a regression, which has none.
        """
        if self.task == REGRESSION:
            raise InputError(f"model {self._model.name}", "a regression gives values, and has no probabilities.")
        build = partial(self._functions.probabilities, independent=self.task == MULTI_LABEL)
        return self._finite(x, self._run_single(("probabilities",), build, self._inputs(x), backward=False))

    def output(self, x: Array, target: NDArray[np.int64]) -> Array:
        """Return the number that scores measure while inputs are altered: (N,).

        It is the probability of the target's class or label, the target's value in a regression, and for a contrast the
        difference of the two logits or values (`score`), which have no probability.
        """
        why, other = split(target)
        if self.task == REGRESSION or (len(x) and (other >= 0).all()):
            return self.score(x, target)
        self._targets(target, len(x))  # refuses outputs that the model does not have
        probabilities = self.probabilities(x)[np.arange(len(x)), why]
        return probabilities if (other < 0).all() else np.where(other < 0, probabilities, self.score(x, target))

    def scores(self, x: Array, *, called: str = "input") -> Array:
        """Return the scores that explanations are of, for every output: (N, *input_shape) to (N, outputs).

        These are the logits, or the values of a regression. A model that makes one score z for two classes
        (`models/imported/head.py`) has the scores -z and z, twice the logits. `called` and errors: as `logits`.
        """
        return self.scale * self.logits(x, called=called)

    def score(self, x: Array, target: NDArray[np.int64]) -> Array:
        """Return the score of each example's target, for a contrast the difference of two scores: (N,)."""
        arrays = (self._inputs(x), self._targets(target, len(x)))
        return self._finite(
            x, self._run_single(("score",), lambda: self._functions.target_score, *arrays, backward=False)
        )

    def gradient(self, x: Array, target: NDArray[np.int64], relu: Literal["plain"] | ReluRule = "plain") -> Array:
        """Return the gradient of the target's score with respect to the input: (N, *input_shape).

        Args:
            x: (N, *input_shape).
            target: (N,), see `pellucid.targets`.
            relu: what a ReLU passes backward: "plain" (the gradient, at positive inputs), "guided" (a positive
                gradient, at positive inputs) or "deconvnet" (a positive gradient, at any input).

        Raises:
            InputError: a rule other than plain, and the model has no ReLU, or a ReLU that the rule cannot be given to
                (`relu_gradients.py`).
        """
        arrays = (self._inputs(x), self._targets(target, len(x)))
        build = partial(self._functions.gradient, relu)
        gradients = self._run_single(("gradient", relu), build, *arrays, backward=True)
        finite.require_gradient(self._model, arrays[0], arrays[1], gradients)
        return gradients

    def covered_scores(
        self,
        x: Array,
        fill: Array,
        target: NDArray[np.int64],
        starts: NDArray[np.int64],
        size: Sequence[int],
        channels: NDArray[np.int64],
    ) -> Array:
        """Return the score of each example's target with one window covered, for each window: (windows, N).

        If it saves more than it costs to prepare, only what a window touches is computed again (`incremental.py`, for
        branches `incremental_graph.py`). Otherwise every window is a full pass. Both count as passes.

        Args:
            x: (N, *input_shape).
            fill: (N, *input_shape), the values under a cover.
            target: (N,).
            starts: (windows, axes) first position of each window.
            size: of all windows, per axis.
            channels: (windows,) the channel that is covered, -1 for all.
        """
        x, fill = self._inputs(x), self._inputs(fill)
        self._require_one_row()
        passes, rows = len(x) * len(starts), self.batch_size()
        if (scorer := self._scorers.for_windows(tuple(size), passes)) is not None:
            self.forward_passes += passes
            columns, memory = target_columns.pairs(self._targets(target, len(x))), self._memory // COPIES_FORWARD
            scores = scorer.scores(x, fill, starts, channels, columns, rows=rows, memory=memory)
            if (bad := finite.first(scores)) is not None:
                mask = window_mask(starts[bad : bad + 1], size, channels[bad : bad + 1], self.input_shape)
                self.score(np.where(mask, fill, x), target)  # its error names the example and the layer
            return self.scale * scores
        scores = np.empty((len(starts), len(x)), np.float32)
        for examples, windows in blocks(len(x), len(starts), rows):
            mask = window_mask(starts[windows], size, channels[windows], self.input_shape)
            covered = np.where(mask[:, np.newaxis], fill[examples], x[examples])
            block = self.score(covered.reshape(-1, *self.input_shape), np.tile(target[examples], len(covered)))
            scores[windows, examples] = block.reshape(len(covered), -1)
        return scores

    def activations(self, x: Array, layer: str) -> Array:
        """Return the output of a layer: (N, *layer's shape)."""
        build = partial(self._functions.activations, layer)
        return self._run_single(("activations", layer), build, self._inputs(x), backward=False)

    def activations_and_logits(self, x: Array, layer: str) -> tuple[Array, Array]:
        """Return `activations` and `logits`, of one pass: (N, *layer's shape) and (N, outputs).

        Raises:
            InputError: a score is NaN or infinite.
        """
        build = partial(self._functions.activations_and_logits, layer)
        activations, logits = self._run(("activations and logits", layer), build, self._inputs(x), backward=False)
        return activations, self._finite(x, logits)

    def activations_and_gradient(self, x: Array, target: NDArray[np.int64], layer: str) -> tuple[Array, Array]:
        """Return a layer's output, and the gradient of the target's score with respect to it: (N, *layer's shape) each.

        Raises:
            InputError: the scores do not depend on the layer.
        """
        build = partial(self._functions.activations_and_gradient, layer)
        arrays = (self._inputs(x), self._targets(target, len(x)))
        activation, gradient = self._run(("activations and gradient", layer), build, *arrays, backward=True)
        return activation, gradient

    def guided_gradient_and_activations(
        self, x: Array, target: NDArray[np.int64], layer: str
    ) -> tuple[Array, Array, Array]:
        """Return `gradient(relu="guided")` and both arrays of `activations_and_gradient`.

        Both backward passes share one forward pass; both are counted.

        Returns:
            (N, *input_shape), and twice (N, *layer's shape).

        Raises:
            InputError: the model has no ReLU, or the scores do not depend on the layer.
        """
        build = partial(self._functions.activations_and_gradient, layer, guided=True)
        arrays = (self._inputs(x), self._targets(target, len(x)))
        guided, activation, gradient = self._run(
            ("guided gradient and activations", layer), build, *arrays, backward=True
        )
        self.backward_passes += len(guided)
        return guided, activation, gradient

    @cached_property
    def token_graph(self) -> token_graph.TokenGraph:
        """How self-attention mixes the tokens of the model.

        Raises:
            InputError: no self-attention, or tokens whose way through the model is not known.
        """
        return token_graph.read(self.places)

    def attention(self, x: Array) -> list[Array]:
        """Return the weights of each attention layer of `token_graph`: (N, heads, tokens, tokens); rows sum to 1."""
        layers = self.token_graph.layers
        build = partial(self._functions.attention, layers)
        return list(self._run(("attention", layers), build, self._inputs(x), backward=False))

    def attention_and_gradient(self, x: Array, target: NDArray[np.int64]) -> tuple[list[Array], list[Array]]:
        """Return `attention`, and the gradient of the target's score with respect to each of its arrays.

        Raises:
            InputError: a gradient is NaN or infinite.
        """
        layers, arrays = self.token_graph.layers, (self._inputs(x), self._targets(target, len(x)))
        build = partial(self._functions.attention_and_gradient, layers)
        both = list(self._run(("attention and gradient", layers), build, *arrays, backward=True))
        for layer, gradient in zip(layers, both[len(layers) :], strict=True):
            if finite.first(gradient) is not None:
                problem = "a gradient of its weights that is NaN or infinite"
                raise InputError.unexpected(f"layer {layer}", problem, "finite numbers")
        return both[: len(layers)], both[len(layers) :]

    def contributions(self, x: Array, references: Array, target: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return DeepLIFT's multiplier by the rescale rule × (input - reference), the mean over the references.

        Every operation must have a multiplier, as `operations` says. Inputs and references go forward once in each
        block of pairs; one backward pass is counted for each pair.

        Args:
            x: (N, *input_shape).
            references: (M, *input_shape), the same for every input.
            target: (N,).

        Returns:
            (N, *input_shape).

        Raises:
            InputError: no references.
        """
        x, references = self._inputs(x), self._inputs(references)
        if not len(references):
            raise InputError.unexpected("references", "none", "at least one")
        columns, total = self._targets(target, len(x)), np.zeros(x.shape, np.float64)
        function = self._function(("contributions",), self._functions.contributions, (x, references, columns))
        for examples, rows in squares(len(x), len(references), self.batch_size(backward=True)):
            total[examples] += self.scale * function(x[examples], references[rows], columns[examples]).numpy()
            n_examples, n_rows = examples.stop - examples.start, rows.stop - rows.start
            self.forward_passes += n_examples + n_rows
            self.backward_passes += n_examples * n_rows
        return total / len(references)

    @cached_property
    def operations(self) -> list[deeplift.Operation]:
        """TensorFlow's operations between the input and the logits, in order."""
        return self._functions.operations()

    def filter_gradient(self, x: Array, units: NDArray[np.int64], layer: str) -> tuple[Array, Array]:
        """Return the mean over all positions of one filter of a layer, and its gradient with respect to the input.

        Args:
            x: (N, *input_shape).
            units: (N,) index of the filter, for each example: on the axis of the layer's maps, or on its last.
            layer: name of the layer.

        Returns:
            (N,) and (N, *input_shape).

        Raises:
            InputError: no such layer, no such index, or a gradient that is NaN or infinite.
        """
        size, units = self.n_filters(layer), np.asarray(units)
        if units.shape != (len(x),) or (units.size and not 0 <= units.min() <= units.max() < size):
            raise InputError.unexpected("units", f"{units.tolist()}", f"{len(x)} numbers from 0 to {size - 1}")
        build = partial(self._functions.filter_gradient, layer)
        arrays = (self._inputs(x), units.astype(np.int32))
        value, gradient = self._run(("filter gradient", layer), build, *arrays, backward=True)
        if (index := finite.first(gradient)) is not None:
            problem = f"a gradient of filter {int(units[index])} that is NaN or infinite"
            hint = "Look at the values that the layer puts out."
            raise InputError.unexpected(f"layer {layer}", problem, "finite numbers", hint)
        return value, gradient
