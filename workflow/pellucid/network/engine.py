"""Run a Keras model for explanations: checks, batches within a memory budget, compiled functions, counted passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from pellucid import files, own_code
from pellucid.errors import InputError
from pellucid.messages import comma_list
from pellucid.network import channels_first, finite, runtime, same_function, target_columns, task_of_head
from pellucid.network.held_inputs import HeldModel
from pellucid.network.held_rows import HeldRows
from pellucid.network.layers import derive, derives
from pellucid.network.structure import ModelStructure
from pellucid.network.traced_functions import TracedFunctions
from pellucid.network.window_scores import IncrementalScorers
from pellucid.targets import are_valid, split
from pellucid.tasks import SINGLE_LABEL

if TYPE_CHECKING:
    import keras

Array = NDArray[np.float32]

# Measured on the networks of config.yaml: above this, no larger batch is faster.
_LARGEST_BATCH = 256
# A backward pass keeps every activation and makes a gradient of each.
COPIES_FORWARD, _COPIES_BACKWARD = 2, 4


class ModelEngine(ModelStructure):
    """A Keras model with batching, compiled functions and a count of its passes.

    Args:
        model: one output (N, outputs) of classes, labels or values, built; one input, or several of which the others
            are held (`hold`).
        task: single_label (the model ends in a softmax, or in its logits), multi_label (in one sigmoid for each label,
            or in their logits) or regression (in linear values).
        memory_mb: memory for the batches, in MiB; it sets the batch size.
        batch_size: overrides that choice.
        explained: for a model with several inputs, the name of the explained one; an input of numbers (n,) becomes (n,
            1).

    Attributes:
        forward_passes, backward_passes: examples that went through the model so far, in each direction.
        scale: from the logits to the scores that are explained (`scores`): 1, or 2 where one score makes two classes.

    Raises:
        InputError: the model has several inputs of which none is named, several outputs, unknown sizes, an output that
            is no list of scores, a softmax before its last layer, or an end that does not fit the task.
    """

    def __init__(
        self,
        model: keras.Model,
        task: str = SINGLE_LABEL,
        *,
        memory_mb: int = 1024,
        batch_size: int | None = None,
        explained: str | None = None,
    ) -> None:
        self._tf = runtime.start()
        if explained is not None and len(getattr(model, "inputs", ())) > 1:
            model = HeldModel(model, explained, numbers_as_axis=True).single
        super().__init__(model, task)
        self._held = HeldRows.of(model)
        channels_first.compute_last(self._tf, self.layers.values())
        self._functions = TracedFunctions(self._tf, model, self)
        self._memory = memory_mb * 2**20
        self._batch_size = batch_size
        self._compiled: dict[tuple[Any, ...], Callable[..., Any]] = {}
        self.forward_passes = 0
        self.backward_passes = 0
        self._scorers = IncrementalScorers(self._tf, model)
        self._open_alterations = 0
        self._check_head()
        self.scale = self._functions.scale

    @classmethod
    def load(
        cls,
        path: Path | str,
        *,
        task: str | None = None,
        threads: int = 1,
        memory_mb: int = 1024,
        explained: str | None = None,
    ) -> Self:
        """Load a `.keras` file.

        `training.json` beside it says for which task the model was trained, which of several inputs is explained, and
        whether the config allowed code inside the file (Lambda layers). Otherwise such code is refused. It also holds
        the module of the user's own layers. Without this file the task is single_label.

        Args:
            path: of the file.
            task: overrides that of `training.json`.
            threads, memory_mb: for TensorFlow, and for the batches in MiB.
            explained: as for the class; overrides that of `training.json`.

        Raises:
            InputError: no such file, not a Keras model, a model that holds code, one that does not fit the task,
                or a module that cannot be imported.
        """
        runtime.start(threads)
        import keras

        beside = Path(path).with_name("training.json")
        info = files.read_json(beside) if beside.is_file() else {}
        own_code.restore(info.get("code"), str(beside))
        safe, task = not info.get("allow_code", False), task or info.get("task", SINGLE_LABEL)
        try:
            model = keras.models.load_model(path, compile=False, safe_mode=safe)
            return cls(model, task, memory_mb=memory_mb, explained=explained or info.get("explained_input"))
        except InputError:
            raise
        except Exception as error:  # Keras raises many kinds for a file that is no model; all mean the same here.
            problem = f"a model that cannot be loaded ({same_function.reason(error)})"
            raise InputError.unexpected(str(path), problem, "a .keras model") from error

    @property
    def held_inputs(self) -> list[str]:
        """The names of the inputs that are held while another one is explained; none for a model of one input."""
        return self._held.names if self._held else []

    def hold(self, values: Mapping[str, NDArray[Any]]) -> None:
        """Give the held inputs of a model with several inputs their values; nothing is traced again.

        Args:
            values: by name, (1, *shape) for every input that follows, or (N, *shape), a row for each of the N inputs
                that follow. Queries that combine inputs with each other or with windows take one row alone.

        Raises:
            InputError: other names or shapes, or numbers that are not finite.
        """
        if self._held:
            self._held.give(values)
        elif values:
            found = f"values of {comma_list(values)} to be held"
            raise InputError.unexpected(f"model {self._model.name}", found, "none, since it has one input")

    def _require_one_row(self) -> None:
        """Refuse held values of several examples, where inputs are combined with each other or with windows."""
        if self._held:
            self._held.require(1)

    def batch_size(self, *, backward: bool = False) -> int:
        """Return how many examples go through the model at a time."""
        if self._batch_size is not None:
            return self._batch_size
        copies = _COPIES_BACKWARD if backward else COPIES_FORWARD
        fitting = self._memory // max(copies * self._bytes_per_example, 1)
        return int(max(1, min(_LARGEST_BATCH, fitting)))

    @contextmanager
    def altered(self, weights: Mapping[str, Sequence[NDArray[Any]]]) -> Iterator[None]:
        """Let some layers have other weights inside a `with` block.

        Args:
            weights: as `weights` gives them; layers that are not named keep their own.

        Raises:
            InputError: no such layer.
        """
        trained = {name: self.layer(name).get_weights() for name in weights}
        # Where blocks are nested, only the outermost is checked to give back the model as it was.
        before = None if self._open_alterations else same_function.answers(self._model)
        self._open_alterations += 1
        try:
            self._set_weights(weights)
            yield
        finally:
            self._open_alterations -= 1
            self._set_weights(trained)
        if before is not None:
            same_function.hold(before, self._model, "giving its layers their weights back", f"model {self._model.name}")

    def for_shifted(self, shift: NDArray[np.float32]) -> Self:
        """Return a model whose answer to x + shift is the answer to x; it shares the weights.

        The shift is subtracted before the first layer. It is not put into the bias of this layer: next to zero padding,
        that would be a different function.

        Args:
            shift: (channels,).
        """
        import keras

        # In 32-bit numbers, whatever the caller set for the whole session.
        inputs = keras.Input(self.input_shape, dtype="float32")
        away = keras.layers.Rescaling(1.0, (-shift).tolist(), name="shift_away", dtype="float32")(inputs)
        whole = keras.Model(inputs, self._model(away), name=f"shifted_{self._model.name}")
        return type(self)(whole, self.task, memory_mb=self._memory // 2**20, batch_size=self._batch_size)

    def _set_weights(self, weights: Mapping[str, Sequence[NDArray[Any]]]) -> None:
        """Set weights; forget compiled functions that hold constants made of the old weights."""
        for name, values in weights.items():
            self.layers[name].set_weights(list(values))
            derive(self.layers[name])
        if any(derives(self.layers[name]) for name in weights):
            self._compiled.clear()
            self._scorers.made.clear()

    def _function(
        self,
        key: tuple[Any, ...],
        build: Callable[[], Callable[..., Any]],
        arrays: tuple[Any, ...],
        *,
        by_row: bool = False,
    ) -> Callable[..., Any]:
        """Return the compiled function of a key; build and compile it for arrays like these on its first use.

        With held inputs, `by_row` says that the caller holds the values of each row; else all rows have the same.
        """
        # Targets are (N,), or (N, 2) with a contrast among them.
        key = (*key, *(array.ndim for array in arrays))
        if not by_row:
            self._require_one_row()
        if key not in self._compiled:
            # A batch axis of unknown length costs nothing on the CPU (measured), and no size is ever traced again.
            signature = [self._tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in arrays]
            self._compiled[key] = self._functions.compiled(build(), signature)
        return self._compiled[key]

    def _run(
        self, key: tuple[Any, ...], build: Callable[[], Callable[..., Any]], *arrays: Any, backward: bool
    ) -> tuple[Array, ...]:
        """Send arrays of N examples through a compiled function batch by batch; return its outputs."""
        n, size = len(arrays[0]), self.batch_size(backward=backward)
        function = self._function(key, build, arrays, by_row=True)
        own_rows = self._held is not None and n > 0 and self._held.require(n)
        if n == 0:
            # Layers need not allow for an empty batch: the shapes of the outputs come from an example of zeros.
            zeros = (np.zeros((1, *array.shape[1:]), array.dtype) for array in arrays)
            return tuple(output[:0] for output in self._run(key, build, *zeros, backward=backward))
        self.forward_passes += n
        self.backward_passes += n if backward else 0
        outputs: Any = None
        for start in range(0, n, size):
            some = slice(start, start + size)
            with self._held.placed(some) if self._held and own_rows else nullcontext():
                result = function(*(self._tf.convert_to_tensor(array[some]) for array in arrays))
            tensors = result if isinstance(result, tuple) else (result,)
            if outputs is None:
                outputs = tuple(np.empty((n, *tensor.shape[1:]), np.float32) for tensor in tensors)
            for output, tensor in zip(outputs, tensors, strict=True):
                # `.numpy()` would make one more copy, and feature maps are large.
                output[some] = np.asarray(tensor)
        return tuple(outputs)

    def _run_single(self, *arguments: Any, **options: Any) -> Array:
        """Return the only output of a function, as `_run` does."""
        (output,) = self._run(*arguments, **options)
        return output

    def _inputs(self, x: Array) -> Array:
        """Return the inputs as float32; refuse another shape than (N, *input_shape)."""
        x = np.asarray(x, np.float32)
        if self._held and (*x.shape[1:], 1) == self.input_shape:
            x = x[..., np.newaxis]  # numbers: the axis that methods take them for
        if x.shape[1:] != self.input_shape:
            raise InputError.unexpected("inputs", f"shape {x.shape}", f"(N, {comma_list(self.input_shape)})")
        return x

    def _targets(self, target: NDArray[np.int64], n: int) -> NDArray[np.int32]:
        """Return the columns of the targets (`target_columns.indices`).

        Raises:
            InputError: another shape than (n,), or outputs that the model does not have.
        """
        target = np.asarray(target)
        if target.shape != (n,) or not are_valid(target, self.n_classes):
            found = f"shape {target.shape}"
            if target.size:
                outputs = np.concatenate(split(target.ravel()))
                found += f", from {outputs[: target.size].min()} to {outputs.max()}"
            raise InputError.unexpected("targets", found, f"({n},), from 0 to {self.n_classes - 1}")
        return target_columns.indices(target)

    def _check_head(self) -> None:
        """Refuse a model whose end does not fit the task: its gradients would vanish, or belong to something else."""
        inputs = np.random.default_rng(0).standard_normal((4, *self.input_shape), np.float32)

        def logits_of(x: Array) -> Array:
            return np.asarray(self._functions.logits(self._tf.constant(x)))

        task_of_head.require(self._model, self.task, inputs, logits_of)

    def _finite(self, x: Array, answers: Array, called: str = "input") -> Array:
        """Return the answers; refuse NaN and infinity, unless `called` is empty."""
        if called:
            finite.require_answers(self._model, np.asarray(x, np.float32), answers, called)
        return answers
