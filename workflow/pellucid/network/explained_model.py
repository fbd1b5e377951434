"""A trained model as an oracle: what explanations may ask of it, and the only door to TensorFlow for them.

Works on logits: a softmax at the end is cut off, not differentiated through. Layers are reached by recording what
passes through them while the model is traced, so that Sequential, functional and nested models all answer alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pellucid import files
from pellucid.batching import blocks, squares
from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean
from pellucid.network import (
    channels_first,
    deeplift,
    finite,
    incremental,
    relu_gradients,
    runtime,
    same_function,
    tracing,
)
from pellucid.network.graph import Node, flatten, one_score
from pellucid.network.layers import derive, derives, holds_weights, walk
from pellucid.network.layers import last_layer as _last
from pellucid.network.places import Places
from pellucid.network.receptive_field import ReceptiveField, receptive_fields, whole_input

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

Array = NDArray[np.float32]
Result = TypeVar("Result")

# Measured on the networks of config.yaml: above this, no larger batch is faster.
_LARGEST_BATCH = 256
# Multiplications that take as long as tracing the functions of `incremental.py` (1 s), at 20 to 40 thousand million a
# second.
_WORK_OF_TRACING = 3e10
# A backward pass keeps every activation and makes a gradient of each.
_COPIES_FORWARD, _COPIES_BACKWARD = 2, 4


class ExplainedModel:
    """A Keras model with batching, compiled functions and a count of its passes.

    Args:
        model: one input, one output of class scores (N, classes), built.
        memory_mb: what the batches may use; it sets the batch size.
        batch_size: overrides that choice.

    Attributes:
        input_shape: of one example, without the batch axis.
        n_classes: number of scores.
        scale: from the logits to the scores that are explained (`scores`): 1, or 2 where one score makes two classes.
        forward_passes, backward_passes: examples that went through the model, in each direction, so far.

    Raises:
        InputError: a model with several inputs or outputs, with unknown sizes, or whose output is no list of scores.
    """

    def __init__(self, model: keras.Model, *, memory_mb: int = 1024, batch_size: int | None = None) -> None:
        self._tf = runtime.start()
        self._model = model
        self.input_shape, self.n_classes = _shapes(model)
        self._memory = memory_mb * 2**20
        self._batch_size = batch_size
        self._locals: dict[tuple[int, ...], incremental.Local] = {}
        self._compiled: dict[tuple[Any, ...], Callable[..., Any]] = {}
        self._altered = 0
        self.forward_passes = 0
        self.backward_passes = 0
        channels_first.compute_last(self._tf, self.layers.values())
        self._check_logits()
        self.scale = np.float32(2 if one_score(self.nodes) else 1)

    @classmethod
    def load(cls, path: Path | str, *, threads: int = 1, memory_mb: int = 1024) -> ExplainedModel:
        """Load a `.keras` file. Code inside it (Lambda layers) is refused.

        What the training wrote beside it (`training.json`) says whether the config allowed the model's code to run.

        Raises:
            InputError: no such file, not a Keras model, or one that holds code.
        """
        runtime.start(threads)
        import keras

        data_info = Path(path).with_name("training.json")
        safe = not (data_info.is_file() and files.read_json(data_info).get("allow_code", False))
        try:
            return cls(keras.models.load_model(path, compile=False, safe_mode=safe), memory_mb=memory_mb)
        except InputError:
            raise
        except Exception as error:  # Keras raises many kinds for a file that is no model; all mean the same here.
            found = f"a model that cannot be loaded ({same_function.reason(error)})"
            raise InputError.unexpected(str(path), found, "a .keras model") from error

    # What may be asked -----------------------------------------------------------------------------------------------

    def logits(self, x: Array, *, called: str = "input") -> Array:
        """Class scores before the softmax, whose softmax the probabilities are: (N, *input_shape) to (N, classes).

        Args:
            x: the inputs.
            called: what a message calls one of them; empty lets NaN and infinity pass.

        Raises:
            InputError: a score that is NaN or infinite, with the number of its input and the layer that it comes from.
        """
        logits = self._run_one(("logits",), self._build_logits, (self._inputs(x),), backward=False)
        return self._finite(x, logits, called)

    def probabilities(self, x: Array) -> Array:
        """Softmax of the logits: (N, *input_shape) to (N, classes)."""
        found = self._run_one(("probabilities",), self._build_probabilities, (self._inputs(x),), backward=False)
        return self._finite(x, found)

    def scores(self, x: Array, *, called: str = "input") -> Array:
        """What explanations are of, for every class: (N, *input_shape) to (N, classes).

        The logits; of a model that makes one score z for two classes (`models/head.py`), -z and z, which are twice the
        logits. `called` and errors: as `logits`.
        """
        return self.scale * self.logits(x, called=called)

    def score(self, x: Array, target: NDArray[np.int64]) -> Array:
        """The score of each example's target class: (N,)."""
        arrays = (self._inputs(x), self._targets(target, len(x)))
        return self._finite(x, self._run_one(("score",), self._build_score, arrays, backward=False))

    def gradient(self, x: Array, target: NDArray[np.int64], relu: str = "plain") -> Array:
        """Gradient of the target's logit with respect to the input: (N, *input_shape).

        Args:
            x: (N, *input_shape).
            target: (N,) class of each example.
            relu: what a ReLU passes on the way back: "plain" (the gradient, at positive inputs), "guided" (a positive
                gradient, at positive inputs) or "deconvnet" (a positive gradient, at any input).

        Raises:
            InputError: another rule than plain, and no ReLU in the model, or one that the rule cannot be given to
                (`relus.py`).
        """
        arrays = (self._inputs(x), self._targets(target, len(x)))
        found = self._run_one(("gradient", relu), partial(self._build_gradient, relu), arrays, backward=True)
        finite.require_gradient(self._model, arrays[0], arrays[1], found)
        return found

    def covered_scores(
        self,
        x: Array,
        fill: Array,
        target: NDArray[np.int64],
        starts: NDArray[np.int64],
        size: Sequence[int],
        channels: NDArray[np.int64],
    ) -> Array:
        """The logit of each example's target class with one window covered, for each window: (windows, N).

        Recomputes only what a window touches where the model is a chain of layers and that saves more than it costs to
        prepare (`incremental.py`); else every window is a full pass. Both count as passes.

        Args:
            x: (N, *input_shape).
            fill: (N, *input_shape), the values under a cover.
            target: (N,) classes.
            starts: (windows, axes) first position of each window.
            size: of all windows, per axis.
            channels: (windows,) the channel that is covered, -1 for all.
        """
        x, fill = self._inputs(x), self._inputs(fill)
        if (local := self._local(tuple(size), len(x) * len(starts))) is not None:
            self.forward_passes += len(x) * len(starts)
            classes = self._targets(target, len(x))
            rows, memory = self.batch_size(), self._memory // _COPIES_FORWARD
            scores = local.scores(x, fill, starts, channels, classes, rows=rows, memory=memory)
            if (bad := finite.first(scores)) is not None:
                inside = _windows(starts[bad : bad + 1], size, channels[bad : bad + 1], self.input_shape)
                self.score(np.where(inside, fill, x), target)  # tells which example and layer
            return self.scale * scores
        found = np.empty((len(starts), len(x)), np.float32)
        for part, some in blocks(len(x), len(starts), self.batch_size()):
            inside = _windows(starts[some], size, channels[some], self.input_shape)
            covered = np.where(inside[:, np.newaxis], fill[part], x[part])
            scores = self.score(covered.reshape(-1, *self.input_shape), np.tile(target[part], len(covered)))
            found[some, part] = scores.reshape(len(covered), -1)
        return found

    def activations(self, x: Array, layer: str) -> Array:
        """Output of a layer: (N, *layer's shape)."""
        found, use = self._use(layer)

        def build() -> Callable[..., Any]:
            def run(batch: tf.Tensor) -> tf.Tensor:
                with tracing.recording(found, use=use) as record:
                    self._forward(batch)
                return self._ordered(record.only(), layer)

            return run

        return self._run_one(("activations", layer), build, (self._inputs(x),), backward=False)

    def activations_and_gradient(self, x: Array, target: NDArray[np.int64], layer: str) -> tuple[Array, Array]:
        """Output of a layer, and the gradient of the target's logit with respect to it: both (N, *layer's shape).

        Raises:
            InputError: the logits do not depend on the layer.
        """
        found, use = self._use(layer)

        def build() -> Callable[..., Any]:
            tf_ = self._tf

            def run(batch: tf.Tensor, classes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
                with tf_.GradientTape(watch_accessed_variables=False) as tape:
                    tape.watch(batch)
                    with tracing.recording(found, tape, use) as record:
                        score = _pick(tf_, self._explained(batch), classes)
                    activation = record.only()
                gradient = _depending(tape.gradient(score, activation), layer)
                return self._ordered(activation, layer), self._ordered(gradient, layer)

            return run

        activation, gradient = self._run(
            ("activations and gradient", layer),
            build,
            (self._inputs(x), self._targets(target, len(x))),
            backward=True,
        )
        return activation, gradient

    def guided_gradient_and_activations(
        self, x: Array, target: NDArray[np.int64], layer: str
    ) -> tuple[Array, Array, Array]:
        """The guided gradient of the target's logit, a layer's output, and the plain gradient with respect to it.

        One pass forward serves both ways back, which are counted: what `gradient(relu="guided")` and
        `activations_and_gradient` give.

        Returns:
            (N, *input_shape), and twice (N, *layer's shape).

        Raises:
            InputError: no ReLU in the model, or the logits do not depend on the layer.
        """
        found, use = self._use(layer)

        def build() -> Callable[..., Any]:
            tf_ = self._tf

            def run(batch: tf.Tensor, classes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
                with tf_.GradientTape(watch_accessed_variables=False) as tape:
                    tape.watch(batch)
                    with self._owning() as owners, tracing.recording(found, tape, use) as record:
                        score = _pick(tf_, self._explained(batch), classes)
                    activation = record.only()
                gradient = _depending(tape.gradient(score, activation), layer)
                guided = self._modified_slope(score, batch, "guided", owners)
                return guided, self._ordered(activation, layer), self._ordered(gradient, layer)

            return run

        guided, activation, gradient = self._run(
            ("guided gradient and activations", layer),
            build,
            (self._inputs(x), self._targets(target, len(x))),
            backward=True,
        )
        self.backward_passes += len(guided)
        return guided, activation, gradient

    def contributions(self, x: Array, references: Array, target: NDArray[np.int64]) -> NDArray[np.float64]:
        """DeepLIFT's multiplier by the rescale rule × (input - reference), the mean over the references.

        Every operation must have a multiplier, as `operations` says. Inputs and references go forward once in each
        block of pairs; the way back, which is counted, is one for each pair.

        Args:
            x: (N, *input_shape).
            references: (M, *input_shape), the same for every input.
            target: (N,) class of each example.

        Returns:
            (N, *input_shape).

        Raises:
            InputError: no references.
        """
        x, references = self._inputs(x), self._inputs(references)
        if not len(references):
            raise InputError.unexpected("references", "none", "one at least")
        classes, total = self._targets(target, len(x)), np.zeros(x.shape, np.float64)
        key = ("contributions",)
        if key not in self._compiled:
            example = self._tf.TensorSpec((None, *self.input_shape), self._tf.float32)
            signature = [example, example, self._tf.TensorSpec((None,), self._tf.int32)]
            self._compiled[key] = self._tf.function(
                self._build_contributions(), input_signature=signature, autograph=False
            )
        for part, some in squares(len(x), len(references), self.batch_size(backward=True)):
            total[part] += self.scale * self._compiled[key](x[part], references[some], classes[part]).numpy()
            inputs, rows = part.stop - part.start, some.stop - some.start
            self.forward_passes += inputs + rows
            self.backward_passes += inputs * rows
        return total / len(references)

    def filter_gradient(self, x: Array, units: NDArray[np.int64], layer: str) -> tuple[Array, Array]:
        """Mean over all positions of one filter of a layer, and its gradient with respect to the input.

        Args:
            x: (N, *input_shape).
            units: (N,) index of the filter, for each example: on the axis of the layer's maps, or on its last.
            layer: name of the layer.

        Returns:
            (N,) and (N, *input_shape).

        Raises:
            InputError: no such layer, or an index that it does not have.
        """
        found, use = self._use(layer)
        size = self.n_filters(layer)
        units = np.asarray(units)
        if units.shape != (len(x),) or (units.size and not 0 <= units.min() <= units.max() < size):
            raise InputError.unexpected("units", f"{units.tolist()}", f"{len(x)} numbers from 0 to {size - 1}")

        def build() -> Callable[..., Any]:
            tf_ = self._tf

            def run(batch: tf.Tensor, indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
                with tf_.GradientTape(watch_accessed_variables=False) as tape:
                    tape.watch(batch)
                    with tracing.recording(found, use=use) as record:
                        self._forward(batch)
                    # One column of mean activations per filter.
                    output = self._ordered(record.only(), layer)
                    means = tf_.reduce_mean(output, axis=list(range(1, output.shape.rank - 1)))
                    value = _pick(tf_, means, indices)
                return value, tape.gradient(value, batch)

            return run

        value, gradient = self._run(
            ("filter gradient", layer), build, (self._inputs(x), units.astype(np.int32)), backward=True
        )
        if (index := finite.first(gradient)) is not None:
            found_ = f"a gradient of filter {int(units[index])} that is NaN or infinite"
            raise InputError.unexpected(
                f"layer {layer}", found_, "finite numbers", "Look at the values that the layer puts out."
            )
        return value, gradient

    @property
    def weights(self) -> dict[str, list[NDArray[Any]]]:
        """A copy of the weights of every layer that has some, by its name; a nested model's are under its layers."""
        return {
            name: [np.array(value) for value in layer.get_weights()]
            for name, layer in self.layers.items()
            if holds_weights(layer)
        }

    @contextmanager
    def altered(self, weights: Mapping[str, Sequence[NDArray[Any]]]) -> Iterator[None]:
        """Let some layers have other weights inside a `with` block; nothing is compiled again.

        Args:
            weights: as `weights` gives them; layers that are not named keep their own.

        Raises:
            InputError: no such layer.
        """
        own = {name: self._layer(name).get_weights() for name in weights}
        # Of blocks inside each other the outermost one alone is held to give back the model as it was.
        before = None if self._altered else same_function.answers(self._model)
        self._altered += 1
        try:
            self._set_weights(weights)
            yield
        finally:
            self._altered -= 1
            self._set_weights(own)
        if before is not None:
            same_function.hold(before, self._model, "giving its layers their weights back", f"model {self._model.name}")

    def _set_weights(self, weights: Mapping[str, Sequence[NDArray[Any]]]) -> None:
        for name, values in weights.items():
            self.layers[name].set_weights(list(values))
            derive(self.layers[name])
        if any(derives(self.layers[name]) for name in weights):
            self._compiled.clear()
            self._locals.clear()

    @cached_property
    def layers(self) -> dict[str, keras.layers.Layer]:
        """Every layer by name, those of nested models included, in the order of the model."""
        found: dict[str, keras.layers.Layer] = {}
        for layer in walk(self._model):
            found.setdefault(layer.name, layer)
        return found

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The graph of the model, from the input to the class scores."""
        return flatten(self._model)

    def receptive_field(self, layer: str) -> ReceptiveField:
        """The part of the input that one unit of a layer sees; the whole of it where that is not known.

        Raises:
            InputError: no such layer.
        """
        self._use(layer)
        if (index := self.places.addresses.get(layer)) is not None:
            return self.places.fields[index]
        return self._fields.get(layer) or whole_input(self.input_shape[:-1])

    @cached_property
    def places(self) -> Places:
        """Where the maps of the network lie on the input."""
        return Places(self.nodes, self.input_shape[:-1])

    def n_filters(self, layer: str) -> int:
        """How many filters (or units) a layer has: the length of the last axis of its `activations`.

        Raises:
            InputError: no such layer.
        """
        index = self.places.addresses.get(layer)
        if index is None:
            return int(_output_shape(self._layer(layer))[-1])
        place, shape = self.places.fields[index].place, self.nodes[index].shape
        return int(shape[place.axes.index(None)] if place is not None and place.maps else shape[-1])  # type: ignore[arg-type]

    @cached_property
    def operations(self) -> list[deeplift.Operation]:
        """TensorFlow's operations on the way from the input to the logits, in order: those that work on its values."""
        # A number of rows that is no length of another axis shows which operations leave the rows as they are.
        example = self._tf.TensorSpec((deeplift.ROWS, *self.input_shape), self._tf.float32)
        with self._owning() as owners:
            graph = self._tf.function(self._forward, autograph=False).get_concrete_function(example)
        way = deeplift.way(graph.inputs[0], graph.outputs[0])
        return [
            deeplift.Operation(owners.get(step.op.name, self._model.name), step.op.type, way.fits(step))
            for step in way.steps
        ]

    @property
    def pooled_head(self) -> tuple[str, Array]:
        """The feature maps and the class weights of a model that ends in global average pooling and one dense layer.

        Returns:
            The name of the layer whose output (N, *axes, maps) is averaged, and the weights (maps, classes).

        Raises:
            InputError: a model that ends in another way.
        """
        if (found := self.places.pooled) is None:
            expected = "global average pooling of maps over the axes of the input, and one dense layer after it"
            names = comma_list(list(self.places.addresses)[-3:])
            raise InputError.unexpected(f"model {self._model.name}", f"{names} at the end", expected)
        maps, dense = found
        return self.places.address(maps), self.nodes[dense].operation.get_weights()[0]

    @property
    def conv_layers(self) -> list[str]:
        """Names of the convolution layers whose maps lie over the axes of the input, in the order of the graph.

        One that is used in several places has a name for each: name:1, name:2.
        """
        return [self.places.address(index) for index in self.places.convolutions]

    def batch_size(self, *, backward: bool = False) -> int:
        """How many examples go through the model at a time."""
        if self._batch_size is not None:
            return self._batch_size
        copies = _COPIES_BACKWARD if backward else _COPIES_FORWARD
        fitting = self._memory // max(copies * self._bytes_per_example, 1)
        return int(max(1, min(_LARGEST_BATCH, fitting)))

    # How it is done --------------------------------------------------------------------------------------------------

    @cached_property
    def _fields(self) -> dict[str, ReceptiveField]:
        return receptive_fields(self.nodes, self.input_shape[:-1])

    def _local(self, size: tuple[int, ...], passes: int) -> incremental.Local | None:
        """The model computed around windows of a size, where that is possible and pays for `passes` of them."""
        if size not in self._locals and (plan := self._plan) is not None:
            part, whole = plan.work(size)
            if passes * (whole - part) > _WORK_OF_TRACING:
                linear = partial(tracing.linear, _last(self._model))
                self._locals[size] = incremental.Local(self._tf, plan, self.input_shape, size, linear)
        return self._locals.get(size)

    @cached_property
    def _plan(self) -> incremental.Plan | None:
        return incremental.plan(self._model)

    @cached_property
    def _bytes_per_example(self) -> int:
        """Size of one example's activations in all layers, and of the example itself."""
        shapes = [self.input_shape, *(_output_shape(layer) for layer in self.layers.values())]
        return 4 * sum(math.prod(shape) for shape in shapes)

    def _inputs(self, x: Array) -> Array:
        x = np.asarray(x, np.float32)
        if x.shape[1:] != self.input_shape:
            raise InputError.unexpected("inputs", f"shape {x.shape}", f"(N, {comma_list(self.input_shape)})")
        return x

    def _targets(self, target: NDArray[np.int64], n: int) -> NDArray[np.int32]:
        target = np.asarray(target)
        if target.shape != (n,) or (n and (target.min() < 0 or target.max() >= self.n_classes)):
            found = f"shape {target.shape}" + (f", from {target.min()} to {target.max()}" if target.size else "")
            raise InputError.unexpected("targets", found, f"({n},), from 0 to {self.n_classes - 1}")
        return target.astype(np.int32)

    def _layer(self, name: str) -> keras.layers.Layer:
        if name not in self.layers:
            raise InputError.unexpected(
                "layer", abbreviate(name), f"one of {comma_list(self.layers)}", did_you_mean(name, self.layers).strip()
            )
        return self.layers[name]

    def _use(self, name: str) -> tuple[Any, int]:
        """The layer or operation of an address (`Places.addresses`), and which of its uses is meant (0: the only)."""
        index = self.places.addresses.get(name)
        if index is None:
            return self._layer(name), 0
        use = name.rpartition(":")[2] if ":" in name else "0"
        return self.nodes[index].operation, int(use)

    def _ordered(self, output: tf.Tensor, layer: str) -> tf.Tensor:
        """Feature maps with the axes in the order of the input's, and the maps last."""
        index = self.places.addresses.get(layer)
        place = None if index is None else self.places.fields[index].place
        if place is None or not place.maps or place.axes == (*range(len(place.spans)), None):
            return output
        order = [place.axes.index(axis) + 1 for axis in (*range(len(place.spans)), None)]
        return self._tf.transpose(output, [0, *order])

    def _check_logits(self) -> None:
        """Refuse a model whose softmax is not where it can be cut off: its gradients would vanish where it is sure."""
        tries = np.random.default_rng(0).standard_normal((4, *self.input_shape), np.float32)
        answer = self._forward(self._tf.constant(tries)).numpy()
        name = f"model {self._model.name}"
        if (answer >= 0).all() and np.allclose(answer.sum(1), 1, atol=1e-4):
            raise InputError.unexpected(
                name,
                "scores that are probabilities, made before the last layer",
                "class scores, or a softmax in or as the last layer",
            )
        whole = np.asarray(self._model(tries, training=False))
        ends = (np.asarray(end(answer)) for end in tracing.ends())
        if not any(same_function.difference(whole, end) <= 1 for end in ends):
            same_function.hold_scores(whole, answer, "cutting off its last activation", name)

    def _forward(self, batch: tf.Tensor) -> tf.Tensor:
        """Logits of a batch; called while a function is traced."""
        with tracing.linear(_last(self._model)):
            return self._model(batch, training=False)

    def _explained(self, batch: tf.Tensor) -> tf.Tensor:
        """The scores that explanations are of, as `scores` says."""
        logits = self._forward(batch)
        return logits if self.scale == 1 else self.scale * logits

    def _finite(self, x: Array, answers: Array, called: str = "input") -> Array:
        """The answers, of which none is NaN or infinite."""
        if called:
            finite.require_answers(self._model, np.asarray(x, np.float32), answers, called)
        return answers

    def _build_logits(self) -> Callable[..., Any]:
        return self._forward

    def _build_probabilities(self) -> Callable[..., Any]:
        return lambda batch: self._tf.nn.softmax(self._forward(batch))

    def _build_score(self) -> Callable[..., Any]:
        return lambda batch, classes: _pick(self._tf, self._explained(batch), classes)

    def _build_gradient(self, relu: str) -> Callable[..., Any]:
        tf_ = self._tf

        def run(batch: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
            with tf_.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(batch)
                score = _pick(tf_, self._explained(batch), classes)
            return _slope(partial(tape.gradient, score, batch))

        def modified(batch: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
            with self._owning() as owners:
                score = _pick(tf_, self._explained(batch), classes)
            return self._modified_slope(score, batch, relu, owners)

        return run if relu == "plain" else modified

    def _modified_slope(self, score: tf.Tensor, batch: tf.Tensor, rule: str, owners: Mapping[str, str]) -> tf.Tensor:
        return _slope(partial(relu_gradients.gradient, self._tf, score, batch, rule, owners, self._model.name))

    @contextmanager
    def _owning(self) -> Iterator[dict[str, str]]:
        """Note which layer makes which operation while the model is traced."""
        owners: dict[str, str] = {}
        with ExitStack() as stack:
            for name, layer in self.layers.items():
                stack.enter_context(tracing.owning(self._tf, layer, name, owners))
            yield owners

    def _build_contributions(self) -> Callable[..., Any]:
        tf_ = self._tf

        def run(batch: tf.Tensor, references: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
            inputs, rows = tf_.shape(batch)[0], tf_.shape(references)[0]
            both = tf_.concat([batch, references], 0)
            way = deeplift.way(both, self._forward(both))
            chosen = tf_.repeat(tf_.one_hot(classes, self.n_classes), rows, axis=0)
            return deeplift.contributions(tf_, way, chosen, inputs, rows)

        return run

    def _run_one(self, *arguments: Any, **options: Any) -> Array:
        """`_run` for a function with one output."""
        (output,) = self._run(*arguments, **options)
        return output

    def _run(
        self, key: tuple[Any, ...], build: Callable[[], Callable[..., Any]], arrays: tuple[Any, ...], *, backward: bool
    ) -> tuple[Array, ...]:
        """Send arrays through a compiled function batch by batch; compile it when it is first asked for."""
        if key not in self._compiled:
            # A batch axis of unknown length costs nothing on the CPU (measured), and no size is ever traced again.
            signature = [self._tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in arrays]
            self._compiled[key] = self._tf.function(build(), input_signature=signature, autograph=False)
        if len(arrays[0]) == 0:
            # Layers need not allow for an empty batch: the shapes of the answer come from an example of zeros.
            one = tuple(np.zeros((1, *array.shape[1:]), array.dtype) for array in arrays)
            return tuple(output[:0] for output in self._run(key, build, one, backward=backward))
        function, n, size = self._compiled[key], len(arrays[0]), self.batch_size(backward=backward)
        self.forward_passes += n
        self.backward_passes += n if backward else 0
        outputs: Any = None
        for start in range(0, n, size):
            part = function(*(self._tf.convert_to_tensor(array[start : start + size]) for array in arrays))
            parts = part if isinstance(part, tuple) else (part,)
            if outputs is None:
                outputs = tuple(np.empty((n, *one.shape[1:]), np.float32) for one in parts)
            for whole, one in zip(outputs, parts, strict=True):
                # Without a copy of its own, which `.numpy()` would be: feature maps are large.
                whole[start : start + size] = np.asarray(one)
        return tuple(outputs)


def _windows(
    starts: NDArray[np.int64], size: Sequence[int], channels: NDArray[np.int64], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Which values lie in each window: (windows, *shape)."""
    inside: NDArray[np.bool_] = (channels[:, np.newaxis] < 0) | (channels[:, np.newaxis] == np.arange(shape[-1]))
    for axis in reversed(range(len(size))):
        place = np.arange(shape[axis]) - starts[:, axis, np.newaxis]
        along = (place >= 0) & (place < size[axis])
        inside = along.reshape(*along.shape, *(1,) * (inside.ndim - 1)) & inside[:, np.newaxis]
    return inside


def _shapes(model: keras.Model) -> tuple[tuple[int, ...], int]:
    name = f"model {model.name}"
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if not inputs or not outputs:
        raise InputError.unexpected(
            name, "a model whose inputs are not known", "a built Sequential or functional model"
        )
    if len(inputs) != 1 or len(outputs) != 1:
        raise InputError.unexpected(name, f"{len(inputs)} inputs and {len(outputs)} outputs", "one of each")
    shape, scores = tuple(inputs[0].shape[1:]), tuple(outputs[0].shape[1:])
    if None in shape:
        raise InputError.unexpected(name, f"an input of shape {shape}", "one whose sizes are all known")
    if len(scores) != 1 or scores[0] is None or scores[0] < 2:
        raise InputError.unexpected(
            name, f"an output of shape {scores}", "(classes,), one score for each of two or more classes"
        )
    return shape, int(scores[0])


def _output_shape(layer: keras.layers.Layer) -> tuple[int, ...]:
    """Of one example; empty where the layer cannot say."""
    try:
        shape = tuple(layer.output.shape[1:])
    except (AttributeError, ValueError):
        return ()
    return () if None in shape else shape


def _slope(trace: Callable[[], tf.Tensor | None]) -> tf.Tensor:
    """The gradient at the input that `trace` gives, if the model has one."""
    try:
        gradient = trace()
    except LookupError:  # an operation without one, such as those of a SavedModel that was saved without
        gradient = None
    if gradient is None:
        raise InputError.unexpected(
            "model",
            "class scores without a gradient",
            "a model that has one",
            "occlusion, rise, lime and kernel_shap need none.",
        )
    return gradient


def _depending(gradient: tf.Tensor | None, layer: str) -> tf.Tensor:
    """The gradient at a layer, if there is one."""
    if gradient is None:
        raise InputError.unexpected(f"layer {layer}", "one that the class scores do not depend on", "one that they do")
    return gradient


def _pick(tf_: Any, logits: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    return tf_.gather(logits, classes, batch_dims=1)
