"""Open what the caller calls a model (a Keras model, a path, a function) as an `ExplainedModel`.

The same functions repair the model here and in the workflow: a single sigmoid unit, names that TensorFlow cannot
compile, 16-bit layers, a fixed batch size. Each repaired model is compared with the original. The caller's model never
changes: a copy is repaired.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid import plugins
from pellucid.api import arrays, channel_axis, features, keras_copy, own_function, session
from pellucid.errors import InputError
from pellucid.messages import format_shape
from pellucid.models.imported import archive, declared_sizes, head, own_keys, per_step, step_choice, task_head
from pellucid.models.imported.compatibility import make_compatible
from pellucid.network import finite
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.same_function import reason
from pellucid.own_code import OwnCode, register
from pellucid.tasks import MULTI_LABEL, OUTPUT_WORD, OUTPUT_WORDS, REGRESSION, SINGLE_LABEL, Task

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenedModel:
    """A model that is ready to be explained.

    Attributes:
        explained: the model, wrapped.
        x: the examples as a batch (N, *axes, channels).
        features: what methods may require of it (`models.base.ModelSpec.features`), and "layers".
        where: its name in messages.
        opaque: whether only its outputs are known.
        channels_first: whether the caller's model takes (N, channels, *axes).
        failures: errors of a function since it was opened (`own_function.raising`).
        input: of a model with several inputs, the name of the explained one; else empty.
        others: the values of its other inputs, (N, *shape) by name.
        numbers: whether the explained input is numbers, (N, n), of which x holds (N, n, 1).
    """

    explained: ExplainedModel
    x: NDArray[np.float32]
    features: tuple[str, ...]
    where: str
    opaque: bool = False
    channels_first: bool = False
    failures: list[InputError] = field(default_factory=list)
    input: str = ""
    others: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    numbers: bool = False

    def as_taken(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values of the shape of the model's inputs with the channels last."""
        if self.numbers:
            return values[..., np.newaxis]
        return np.ascontiguousarray(np.moveaxis(values, 1, -1)) if self.channels_first else values

    def as_given(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values (N, *axes, channels) with the axes of the model's inputs."""
        if self.numbers:
            return values[..., 0]
        return np.ascontiguousarray(np.moveaxis(values, -1, 1)) if self.channels_first else values


@dataclass(frozen=True)
class Opening:
    """How to open a model: arguments of `pellucid.explain`."""

    allow_code: bool
    threads: int | None
    memory_mb: int
    class_names: Sequence[str] | None = None
    task: Task = SINGLE_LABEL
    code: str | None = None
    steps: step_choice.Steps | None = None


def open_model(model: Any, x: NDArray[np.float32], opening: Opening) -> OpenedModel:
    """Open a model for examples.

    Args:
        model: a Keras model, the path of one, or a function (N, *shape) -> (N, classes).
        x: the examples, with or without the batch axis.
        opening: further arguments.

    Raises:
        InputError: it is none of these, it cannot be explained, or x does not have the shape of its inputs.
    """
    if isinstance(model, str | os.PathLike):
        return _from_path(Path(model).expanduser(), x, opening)
    if keras_copy.is_keras_model(model):
        keras_copy.require_tensorflow(model)
        session.start(opening.threads)
        if keras_copy.is_subclassed(model):
            return _from_function(keras_copy.as_function(model), f"model {model.name}", x, opening)
        with keras_copy.single_precision():
            return _from_keras(model, x, opening)
    if callable(model) and not isinstance(model, type) and not isinstance(model, ExplainedModel):
        name = getattr(model, "__name__", type(model).__name__)
        return _from_function(model, f"function {name}", x, opening)
    found = f"a {type(model).__name__}" if not isinstance(model, type) else f"the class {model.__name__}"
    expected = "a Keras model, a path (a .keras file or a SavedModel folder) or a function of a batch of inputs"
    raise InputError.unexpected("model", found, expected)


def _from_keras(model: keras.Model, x: NDArray[np.float32], opening: Opening) -> OpenedModel:
    """Open a model that the caller has in memory; a copy of it is changed."""
    where = f"model {model.name}"
    if len(model.inputs) > 1:
        listed = arrays.listed([tensor.name for tensor in model.inputs])
        expected = f"an array for each of the {len(model.inputs)} inputs of {where}, by name: {listed}"
        raise InputError.unexpected("x", "one array", expected, 'input="…" says which of them is explained.')
    config = keras_copy.config_of(model, where)
    hint = (
        "A function, such as lambda x: model(x, training=False), is explained by the methods that need outputs alone."
    )
    config, opened = keras_copy.with_sizes(config, x.shape)
    archive.check(config, where, hint=hint, registered=archive.registered())
    shape = archive.input_shape(config, where)
    arrays.require_kind(shape)
    examples = arrays.batch(x, shape)
    finite.require_weights(model, where)
    copy = keras_copy.copied(model, config if opened else None, examples, where)
    if opening.steps is not None:
        copy = per_step.picked(make_compatible(copy, where), opening.steps, opening.task, where)
    n_outputs = number(copy, where, opening)
    ready = task_head.with_head(make_compatible(copy, where), n_outputs, opening.task, where)
    return with_layers(ready, config, examples, where, opening)


def with_layers(
    model: keras.Model, config: archive.Config, x: NDArray[np.float32], where: str, opening: Opening
) -> OpenedModel:
    """Open a repaired model with layers.

    Args:
        model: ends in the last layer of the task.
        config: of the model before it was repaired.
        x: (N, *input_shape).
        where, opening: as for `open_model`.
    """
    first = channel_axis.is_first(config, where)
    if opening.steps is not None:  # an activation has moved behind the explained steps
        config = keras_copy.config_of(model, where)
    if first:
        model, x = channel_axis.behind_permutation(model), np.ascontiguousarray(np.moveaxis(x, 1, -1))
        config = keras_copy.config_of(model, where)
    explained = ExplainedModel(model, opening.task, memory_mb=opening.memory_mb)
    of_model = features.of_model(config, where, explained)
    return OpenedModel(explained, x, of_model, where, channels_first=first)


def number(model: keras.Model, where: str, opening: Opening) -> int:
    """Return the number of outputs of a model: classes, labels or values.

    Raises:
        InputError: a single output that may not be the score of a class, or sigmoids where classes are expected.
    """
    shape = tuple(model.outputs[0].shape[1:])
    names = opening.class_names
    if shape in ((), (1,)):
        if opening.task != SINGLE_LABEL:
            return 1
        if head.final_activation(model) != "sigmoid":
            require_two_names(names, where)
        return 2
    step_choice.require_none(shape, where)
    if len(shape) != 1 or shape[0] is None:
        expected = f"one score for each {OUTPUT_WORD[opening.task]}: (N, {OUTPUT_WORDS[opening.task]})"
        raise InputError.unexpected(where, f"an output of shape {format_shape(shape) or '()'}", expected)
    if opening.task == SINGLE_LABEL and head.final_activation(model) == "sigmoid":
        raise InputError.unexpected(
            where,
            f"{shape[0]} independent sigmoids",
            "scores of classes that exclude each other: a softmax, or logits",
            f'If an example may have several labels, say so: task="{MULTI_LABEL}".',
        )
    return int(shape[0])


def require_two_names(names: Sequence[str] | None, where: str) -> None:
    """Refuse a single output that may be the value of a regression.

    Raises:
        InputError: the caller does not name the two classes.
    """
    if names is None or len(names) != 2:
        raise InputError.unexpected(
            where,
            "one output without a sigmoid",
            "one score for each class",
            'If it is the logit of the second of two classes, say so: class_names=("first", "second"). If it is a '
            'value: task="regression".',
        )


def _from_path(path: Path, x: NDArray[np.float32], opening: Opening) -> OpenedModel:
    """Open a `.keras` file or a SavedModel folder."""
    where = str(path)
    if path.is_dir():
        return _from_folder(path, x, opening)
    if not path.exists():
        raise InputError.unexpected("model", f"{where}, which does not exist", "a .keras file or a SavedModel folder")
    checked = archive.look_over(path)
    config, opened = keras_copy.with_sizes(checked.config, x.shape)
    own = None if opening.code is None else archive.ANYTHING
    archive.check(config, where, allow_code=opening.allow_code, registered=own)
    shape = archive.input_shape(config, where)
    arrays.require_kind(shape)
    examples = arrays.batch(x, shape)
    session.start(opening.threads)
    if opening.code is not None:
        names = register(OwnCode.of(opening.code), f"code {opening.code}")
        archive.check(config, where, allow_code=opening.allow_code, registered=names, code=opening.code)
    if opened:
        with keras_copy.single_precision():
            return _from_keras(loaded(path, config, checked.stored, opening), x, opening)
    n_outputs = own_keys.number_of_outputs(config)
    plugin = plugins.load("models")["keras_file"]
    with keras_copy.single_precision():
        if n_outputs is None or n_outputs == 1:
            model = loaded(path, config, checked.stored, opening)
            if opening.steps is not None:
                model = per_step.picked(make_compatible(model, where), opening.steps, opening.task, where)
            n_outputs = number(model, where, opening)
        options: dict[str, Any] = {"code": opening.code, "task": opening.task, "steps": opening.steps}
        model = plugin.build(shape, n_outputs, file=path, allow_code=opening.allow_code, **options)
        return with_layers(model, config, examples, where, opening)


def loaded(path: Path, config: archive.Config, stored: int, opening: Opening) -> keras.Model:
    """Load a `.keras` file whose configuration was checked.

    Raises:
        InputError: its layers need far more weights than it holds, or Keras cannot load it.
    """
    import keras

    declared_sizes.require_buildable(config, stored, str(path), allow_code=opening.allow_code)
    try:
        return keras.models.load_model(path, compile=False, safe_mode=not opening.allow_code)
    except Exception as error:  # Keras raises many kinds; all mean the same here.
        raise InputError.unexpected(
            str(path), f"a model that cannot be loaded ({reason(error)})", "one that keras.models.load_model takes"
        ) from error


def _from_folder(path: Path, x: NDArray[np.float32], opening: Opening) -> OpenedModel:
    """Open a SavedModel folder, whose input has the shape of an example of x."""
    where = str(path)
    if not (path / "saved_model.pb").is_file():
        raise InputError.unexpected("model", f"{where}, a folder without saved_model.pb", "a SavedModel folder")
    if opening.class_names is None:
        problem = f"a SavedModel does not say how many {OUTPUT_WORDS[opening.task]} it has."
        raise InputError(where, problem, "Name them: class_names=(…).")
    shape = x.shape[1:]
    arrays.require_kind(shape, batched=x.ndim)
    plugin = plugins.load("models")["saved_model"]
    plugin.check(folder=where, allow_code=opening.allow_code, classes=(), input_range=(0, 1))
    session.start(opening.threads)
    with keras_copy.single_precision():
        options: dict[str, Any] = {"allow_code": opening.allow_code, "task": opening.task, "steps": opening.steps}
        model = plugin.build(shape, len(opening.class_names), folder=where, **options)
        explained = ExplainedModel(model, opening.task, memory_mb=opening.memory_mb)
        return OpenedModel(explained, x, (), where, opaque=True)


def _from_function(function: Any, where: str, x: NDArray[np.float32], opening: Opening) -> OpenedModel:
    """Open a function of a batch of inputs; only its outputs are known."""
    arrays.require_kind(x.shape[1:], batched=x.ndim)
    session.start(opening.threads)
    function = own_function.at_steps(function, x, opening.steps, opening.task, where)
    n_outputs = own_function.number_of_outputs(function, x, where)
    if n_outputs == 1 and opening.task == SINGLE_LABEL:
        require_two_names(opening.class_names, where)
    failures: list[InputError] = []
    with keras_copy.single_precision():
        model = own_function.as_model(function, x.shape[1:], n_outputs, opening.task, where, failures)
        explained = ExplainedModel(model, opening.task, memory_mb=opening.memory_mb)
    if opening.task != REGRESSION:
        own_function.tell_of_rounding(function, x, where)
    return OpenedModel(explained, x, (), where, opaque=True, failures=failures)
