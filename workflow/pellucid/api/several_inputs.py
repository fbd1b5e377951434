"""Open a model of several inputs: one is explained, the others keep the values of each example."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.api import arrays, keras_copy, opening, session
from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean, format_shape
from pellucid.models.imported import archive, config_graph, per_step, task_head
from pellucid.models.imported.compatibility import make_compatible
from pellucid.network import finite, same_function
from pellucid.network.held_inputs import HeldModel, input_names, packed
from pellucid.network.layers import copy_state
from pellucid.own_code import OwnCode, register

if TYPE_CHECKING:
    import keras

Array = NDArray[np.float32]

_AS_FUNCTION = (
    "A function of the explained input alone is explained by the methods that need outputs alone: "
    "lambda x: model([x, others], training=False), for one example at a time."
)


def chosen(x: Mapping[Any, Any], explained: str | None) -> tuple[str, dict[str, Array]]:
    """Return the name of the explained input, by default the first, and the arrays of all inputs as numbers.

    Raises:
        InputError: no names, no such input, arrays that are no numbers, or whole numbers that 32 bits round.
    """
    if len(x) < 2 or not all(isinstance(name, str) for name in x):
        found = f"the names {abbreviate(list(x))}"
        raise InputError.unexpected("x", found, "the arrays of two or more inputs by name, or one array")
    explained = next(iter(x)) if explained is None else explained
    if explained not in x:
        hint = did_you_mean(str(explained), x).strip()
        raise InputError.unexpected("input", abbreviate(explained), f"one of the names of x: {comma_list(x)}", hint)
    single = {name: arrays.numbers(values, f"x {name}") for name, values in x.items()}
    for name, values in x.items():
        if name != explained:
            _require_exact(np.asarray(values), single[name], f"x {name}")
    return explained, single


def _require_exact(values: NDArray[Any], single: Array, where: str) -> None:
    """Refuse whole numbers that rounding to 32 bits changes: those that are held may be keys, as of an embedding.

    Raises:
        InputError: such a number.
    """
    if values.dtype.kind in "iu" and (changed := single.astype(values.dtype) != values).any():
        found, hint = f"{values[changed].flat[0]}, which 32 bits round", "Values that are no keys may be of type float."
        raise InputError.unexpected(where, found, "whole numbers up to 16,777,216", hint)


def open_several(model: Any, x: Mapping[str, Array], explained: str, options: opening.Opening) -> opening.OpenedModel:
    """Open a model of several inputs for examples.

    Args:
        model: a functional Keras model, or the path of a `.keras` file.
        x: the examples by name of the input, with or without the batch axis.
        explained: name of the input that is explained.
        options: further arguments.

    Raises:
        InputError: a model of another kind, or arrays that are not those of its inputs.
    """
    if isinstance(model, str | os.PathLike):
        twin, where = _loaded(Path(model).expanduser(), x, options), str(model)
    elif keras_copy.is_keras_model(model) and not keras_copy.is_subclassed(model):
        keras_copy.require_tensorflow(model)
        session.start(options.threads)
        where = f"model {model.name}"
        _require_names(model, x, where)
        finite.require_weights(model, where)
        archive.check(keras_copy.config_of(model, where), where, registered=archive.registered(), inputs=list(x))
        with keras_copy.single_precision():
            twin = _copied(model, _batches(model, x, explained), where)
    else:
        expected = "a functional Keras model, or the path of a .keras file"
        raise InputError.unexpected("model", f"a {type(model).__name__} of several inputs", expected, _AS_FUNCTION)
    with keras_copy.single_precision():
        return _opened(twin, x, explained, where, options)


def _opened(
    model: keras.Model, x: Mapping[str, Array], explained: str, where: str, options: opening.Opening
) -> opening.OpenedModel:
    """Open a model that is the package's own, after its inputs were matched by name with the arrays."""
    batches = _batches(model, x, explained)
    single = make_compatible(HeldModel(model, explained, numbers_as_axis=True).single, where)
    if options.steps is not None:
        single = per_step.picked(single, options.steps, options.task, where)
    ready = task_head.with_head(single, opening.number(single, where, options), options.task, where)
    of_explained = batches.pop(explained)
    numbers = of_explained.ndim == 2
    examples = of_explained[..., np.newaxis] if numbers else of_explained
    arrays.require_kind(examples.shape[1:])
    opened = opening.with_layers(ready, keras_copy.config_of(single, where), examples, where, options)
    return replace(opened, input=explained, others=batches, numbers=numbers)


def _batches(model: keras.Model, x: Mapping[str, Array], explained: str) -> dict[str, Array]:
    """Return the arrays as batches of the same number of examples.

    Raises:
        InputError: arrays of another shape than the model's input of this name, or of different numbers of examples.
    """
    batches = {}
    for name, tensor in zip(input_names(model), model.inputs, strict=True):
        if None in (shape := tuple(tensor.shape[1:])):
            found = f"input {name} of shape {format_shape(shape)}"
            raise InputError.unexpected(f"model {model.name}", found, "sizes that are all known")
        batches[name] = arrays.batch(x[name], shape, f"x {name}")
    n = len(batches[explained])
    for name, batch in batches.items():
        if len(batch) != n:
            expected = f"{n}, as many as of {explained}"
            raise InputError.unexpected(f"x {name}", f"{len(batch)} examples", expected)
    return batches


def _loaded(path: Path, x: Mapping[str, Array], options: opening.Opening) -> keras.Model:
    """Load a `.keras` file after its configuration was checked."""
    where = str(path)
    if path.is_dir() or not path.exists():
        found = f"{where}, {'a folder' if path.is_dir() else 'which does not exist'}"
        raise InputError.unexpected("model", found, "a .keras file: it names its inputs")
    checked = archive.look_over(path)
    own = None if options.code is None else archive.ANYTHING
    _require(config_graph.names_of_inputs(checked.config), x, where)
    archive.check(checked.config, where, registered=own, allow_code=options.allow_code, inputs=list(x))
    session.start(options.threads)
    if options.code is not None:
        names = register(OwnCode.of(options.code), f"code {options.code}")
        archive.check(
            checked.config,
            where,
            registered=names,
            allow_code=options.allow_code,
            code=options.code,
            inputs=list(x),
        )
    with keras_copy.single_precision():
        model = opening.loaded(path, checked.config, checked.stored, options)
    _require_names(model, x, where)
    return model


def _require_names(model: keras.Model, x: Mapping[str, Array], where: str) -> None:
    _require(input_names(model), x, where)


def _require(names: list[str], x: Mapping[str, Array], where: str) -> None:
    """Refuse arrays under other names than those of the model's inputs.

    Raises:
        InputError: names both lists.
    """
    if set(names) != set(x):
        found = f"arrays {comma_list(x)}"
        expected = f"one for each input of {where}: {comma_list(names)}"
        raise InputError.unexpected("x", found, expected, "Inputs are matched by name, never by their order.")


def _copied(model: keras.Model, x: Mapping[str, Array], where: str) -> keras.Model:
    """Return a copy of a functional model of several inputs, which computes the same for random inputs and for x.

    Raises:
        InputError: the copy cannot be made, or computes another function.
    """
    import keras

    try:
        twin = keras.Model.from_config(copy.deepcopy(model.get_config()))
        copy_state(model, twin)
    except Exception as error:  # Keras raises many kinds; all mean the same here
        found = f"a model that cannot be copied ({same_function.reason(error)})"
        raise InputError.unexpected(where, found, "one that keras.models.clone_model copies") from error
    rng, rows = np.random.default_rng(0), model.inputs[0].shape[0] or keras_copy.EXAMPLES
    random = {name: np.abs(rng.standard_normal((rows, *x[name].shape[1:]))) for name in input_names(model)}
    # As many rows as the model takes; an example may be among them several times.
    examples = {name: np.resize(array[:rows], (rows, *array.shape[1:])) for name, array in x.items()}
    for values in (random, examples):
        before, after = (
            np.asarray(each(packed(each, {name: array.astype(np.float32) for name, array in values.items()})))
            for each in (model, twin)
        )
        same_function.hold_scores(before.reshape(len(before), -1), after.reshape(len(after), -1), "copying it", where)
    return twin
