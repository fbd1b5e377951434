"""The functions of a model that TensorFlow compiles: scores, gradients, activations and DeepLIFT contributions.

All work on logits: a final softmax (or sigmoid) is cut off, not differentiated through. Layers are reached by recording
their outputs while the model is traced, which works alike for Sequential, functional and nested models. Targets are the
columns of `target_columns.indices`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pellucid.errors import InputError
from pellucid.network import deeplift, relu_gradients, rescale_rules, target_columns, tracing
from pellucid.network.graph import one_score
from pellucid.network.layers import last_layer

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from pellucid.network.relu_gradients import ReluRule
    from pellucid.network.structure import ModelStructure


class TracedFunctions:
    """Build the functions of one model.

    Args:
        tf_: the TensorFlow module.
        model: the Keras model.
        structure: of the same model.
    """

    def __init__(self, tf_: Any, model: keras.Model, structure: ModelStructure) -> None:
        self._tf, self._model, self._structure = tf_, model, structure

    @cached_property
    def scale(self) -> np.float32:
        """From the logits to the scores that are explained: 1, or 2 where one score makes two classes."""
        return np.float32(2 if one_score(self._structure.nodes) else 1)

    def compiled(self, function: Callable[..., Any], signature: Sequence[tf.TensorSpec]) -> Callable[..., Any]:
        """Return a function of tensors, compiled; as it is where the model asks a Python function (`opaque.calling`).

        That function may run a compiled function itself, as `model.predict` does. Inside another compiled function it
        would wait for a thread for ever, since TensorFlow runs one operation at a time here.
        """
        if any(getattr(layer, "asks_python", False) for layer in self._structure.layers.values()):
            return function
        made: Callable[..., Any] = self._tf.function(function, input_signature=signature, autograph=False)
        return made

    def logits(self, batch: tf.Tensor) -> tf.Tensor:
        """Return the logits of a batch; called while a function is traced."""
        with tracing.without_softmax(last_layer(self._model)):
            return self._model(batch, training=False)

    def target_score(self, batch: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
        """Return the score that explanations are of, for each example's target."""
        logits = self.logits(batch)
        scores = logits if self.scale == 1 else self.scale * logits
        return target_columns.taken(self._tf, scores, columns)

    def probabilities(self, *, independent: bool) -> Callable[..., Any]:
        """Return (batch) -> softmax of the logits, or the sigmoid of each where the outputs are independent."""
        activation = self._tf.sigmoid if independent else self._tf.nn.softmax
        return lambda batch: activation(self.logits(batch))

    def activations(self, layer: str) -> Callable[..., Any]:
        """Return (batch) -> output of a layer."""
        operation, use = self._structure.layer_use(layer)

        def run(batch: tf.Tensor) -> tf.Tensor:
            with tracing.recording(operation, use=use) as record:
                self.logits(batch)
            return self._ordered(record.only(), layer)

        return run

    def activations_and_logits(self, layer: str) -> Callable[..., Any]:
        """Return (batch) -> output of a layer, and the logits."""
        operation, use = self._structure.layer_use(layer)

        def run(batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            with tracing.recording(operation, use=use) as record:
                logits = self.logits(batch)
            return self._ordered(record.only(), layer), logits

        return run

    def gradient(self, relu: Literal["plain"] | ReluRule) -> Callable[..., Any]:
        """Return (batch, columns) -> gradient of the target's score with respect to the input."""
        tf_ = self._tf

        def plain(batch: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
            with tf_.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(batch)
                score = self.target_score(batch, columns)
            return _require_gradient(partial(tape.gradient, score, batch))

        if relu == "plain":
            return plain

        def modified(batch: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
            with self._record_owners() as owners:
                score = self.target_score(batch, columns)
            return self._modified_gradient(score, batch, relu, owners)

        return modified

    def activations_and_gradient(self, layer: str, *, guided: bool = False) -> Callable[..., Any]:
        """Return (batch, columns) -> output of a layer, and the gradient of the target's score with respect to it.

        Args:
            layer: address of the layer.
            guided: put the guided gradient with respect to the input before both; it shares the forward pass.
        """
        operation, use = self._structure.layer_use(layer)
        tf_ = self._tf

        def run(batch: tf.Tensor, columns: tf.Tensor) -> tuple[tf.Tensor, ...]:
            with tf_.GradientTape(watch_accessed_variables=False) as tape, ExitStack() as stack:
                tape.watch(batch)
                owners = stack.enter_context(self._record_owners()) if guided else {}
                record = stack.enter_context(tracing.recording(operation, tape, use))
                score = self.target_score(batch, columns)
            activation = record.only()
            if (gradient := tape.gradient(score, activation)) is None:
                raise InputError(f"layer {layer}", "the class scores do not depend on this layer.")
            first = (self._modified_gradient(score, batch, "guided", owners),) if guided else ()
            return (*first, self._ordered(activation, layer), self._ordered(gradient, layer))

        return run

    def attention(self, layers: Sequence[str]) -> Callable[..., Any]:
        """Return (batch) -> the weights (N, heads, tokens, tokens) of each attention layer."""
        uses = [self._structure.layer_use(layer) for layer in layers]

        def run(batch: tf.Tensor) -> tuple[tf.Tensor, ...]:
            with ExitStack() as stack:
                records = [stack.enter_context(tracing.recording_attention(*use)) for use in uses]
                self.logits(batch)
            return tuple(record.only() for record in records)

        return run

    def attention_and_gradient(self, layers: Sequence[str]) -> Callable[..., Any]:
        """Return (batch, classes) -> the weights of each attention layer, then the score's gradient at each."""
        uses = [self._structure.layer_use(layer) for layer in layers]
        tf_ = self._tf

        def run(batch: tf.Tensor, classes: tf.Tensor) -> tuple[tf.Tensor, ...]:
            with tf_.GradientTape(watch_accessed_variables=False) as tape, ExitStack() as stack:
                tape.watch(batch)
                records = [stack.enter_context(tracing.recording_attention(*use)) for use in uses]
                score = self.target_score(batch, classes)
            weights = [record.only() for record in records]
            gradients = tape.gradient(score, weights, unconnected_gradients="zero")
            return (*weights, *gradients)

        return run

    def filter_gradient(self, layer: str) -> Callable[..., Any]:
        """Return (batch, filters) -> mean over all positions of a filter, and its gradient at the input."""
        operation, use = self._structure.layer_use(layer)
        tf_ = self._tf

        def run(batch: tf.Tensor, filters: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            with tf_.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(batch)
                with tracing.recording(operation, use=use) as record:
                    self.logits(batch)
                # One column of mean activations per filter.
                output = self._ordered(record.only(), layer)
                means = tf_.reduce_mean(output, axis=list(range(1, output.shape.rank - 1)))
                value = tf_.gather(means, filters, batch_dims=1)
            return value, tape.gradient(value, batch)

        return run

    def contributions(self) -> Callable[..., Any]:
        """Return (batch, references, columns) -> DeepLIFT contributions, summed over the references."""
        tf_ = self._tf

        def run(batch: tf.Tensor, references: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
            inputs, rows = tf_.shape(batch)[0], tf_.shape(references)[0]
            both = tf_.concat([batch, references], 0)
            path = deeplift.trace_path(both, self.logits(both))
            slopes = target_columns.slopes(tf_, columns, self._structure.n_classes)
            return rescale_rules.contributions(tf_, path, tf_.repeat(slopes, rows, axis=0), inputs, rows)

        return run

    def operations(self) -> list[deeplift.Operation]:
        """Return TensorFlow's operations between the input and the logits, in order."""
        # A number of rows that is no length of another axis shows which operations leave the rows as they are.
        example = self._tf.TensorSpec((deeplift.ROWS, *self._structure.input_shape), self._tf.float32)
        with self._record_owners() as owners:
            graph = self._tf.function(self.logits, autograph=False).get_concrete_function(example)
        path = deeplift.trace_path(graph.inputs[0], graph.outputs[0])
        return [
            deeplift.Operation(owners.get(step.op.name, self._model.name), step.op.type, path.fits(step))
            for step in path.steps
        ]

    def _modified_gradient(
        self, score: tf.Tensor, batch: tf.Tensor, rule: ReluRule, owners: dict[str, str]
    ) -> tf.Tensor:
        return _require_gradient(
            partial(relu_gradients.gradient, self._tf, score, batch, rule, owners, self._model.name)
        )

    @contextmanager
    def _record_owners(self) -> Iterator[dict[str, str]]:
        """Note which layer makes which operation while the model is traced."""
        owners: dict[str, str] = {}
        with ExitStack() as stack:
            for name, layer in self._structure.layers.items():
                stack.enter_context(tracing.record_owners(self._tf, layer, name, owners))
            yield owners

    def _ordered(self, output: tf.Tensor, layer: str) -> tf.Tensor:
        """Transpose feature maps: the axes in the order of the input's, the maps last."""
        order = self._structure.map_order(layer)
        return output if order is None else self._tf.transpose(output, order)


def _require_gradient(trace: Callable[[], tf.Tensor | None]) -> tf.Tensor:
    """Return the gradient that `trace` gives.

    Raises:
        InputError: the model has no gradient at the input.
    """
    try:
        gradient = trace()
    except LookupError:  # an operation without a gradient, such as in a SavedModel that was saved without gradients
        gradient = None
    if gradient is None:
        raise InputError.unexpected(
            "model",
            "class scores without a gradient",
            "a model that has one",
            "Use occlusion, rise, lime or kernel_shap, which need no gradient.",
        )
    return gradient
