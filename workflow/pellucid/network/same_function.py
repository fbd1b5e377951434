"""Holding that what is done to a model leaves the function that it computes as it was.

A model is opened for batches of any size, computed in other numbers, given a new end, saved and loaded. After every
such step its class scores of a few inputs are compared with those before it.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.messages import first_line
from pellucid.network import channels_first, runtime, tracing
from pellucid.network.layers import last_layer, steps, walk

if TYPE_CHECKING:
    import keras

Array = NDArray[np.float32]

# Share of the scores' size that rounding may change: the order of sums differs between batches of different sizes.
_TOLERANCE = 1e-4
# The same for models that compute in fewer digits, in units of the last of these.
_LAST_PLACES = 32
_SINGLE = float(np.finfo(np.float32).eps)
_EPSILON = {"float16": float(np.finfo(np.float16).eps), "bfloat16": 2.0**-7}


@dataclass(frozen=True)
class Answers:
    """What a model said of a few inputs.

    Attributes:
        inputs: (N, *shape).
        scores: (N, classes), before the last activation.
        epsilon: of the numbers that the model computes in.
    """

    inputs: Array
    scores: NDArray[np.float64]
    epsilon: float


def answers(model: keras.Model, inputs: Array | None = None) -> Answers:
    """Ask a model for the class scores of `inputs`, or of inputs that suit it (`tries`)."""
    inputs = tries(model) if inputs is None else inputs
    with tracing.without_softmax(last_layer(model)):
        return Answers(inputs, ask(model, inputs), _epsilon(model))


def hold(before: Answers, model: keras.Model, step: str, where: str) -> None:
    """Compare a model with what it said before a step.

    Args:
        before: from `answers`.
        model: after the step.
        step: what was done, as the message names it.
        where: what to call the model.

    Raises:
        InputError: the scores are others, or cannot be computed any more.
    """
    try:
        after = answers(model, before.inputs)
    except Exception as error:  # Keras raises many kinds; all mean the same here
        raise InputError.unexpected(
            where, f"a model that fails after {step} ({reason(error)})", "one that works as before"
        ) from error
    hold_scores(before.scores, after.scores, step, where, epsilon=max(before.epsilon, after.epsilon))


def hold_scores(before: NDArray[Any], after: NDArray[Any], step: str, where: str, *, epsilon: float = _SINGLE) -> None:
    """Compare class scores, or probabilities, (N, classes) before and after a step.

    Raises:
        InputError: they differ by more than rounding does.
    """
    if (change := difference(before, after, epsilon)) > 1:
        largest = float(np.nanmax(np.abs(np.asarray(after, np.float64) - before)))
        raise InputError.unexpected(
            where,
            f"another function after {step}: class scores of random inputs change by up to {largest:.3g}, "
            f"{change:,.0f} times what rounding may",
            "the same scores as before",
            "The model holds a layer that this step does not carry over.",
        )


def difference(before: NDArray[Any], after: NDArray[Any], epsilon: float = _SINGLE) -> float:
    """The largest difference of scores (N, classes) in units of what rounding may change; infinite for other shapes.

    In fewer digits than 32 bits have, single inputs may be far off (a square that is larger than the largest number):
    the median over the inputs is what counts.
    """
    before, after = np.asarray(before, np.float64), np.asarray(after, np.float64)
    if before.shape != after.shape:
        return np.inf
    single = epsilon <= _SINGLE
    usable = np.isfinite(before).all(1) | single
    if not usable.any():
        return 0.0
    with np.errstate(invalid="ignore"):
        change = np.abs(after - before)
        change[(before == after) | (np.isnan(before) & np.isnan(after))] = 0
        size = np.abs(np.where(np.isfinite(before), before, 0)).max(1)
    allowed = (_TOLERANCE if single else _LAST_PLACES * epsilon) * np.maximum(size, np.median(size))
    with np.errstate(over="ignore"):
        least = np.finfo(np.float32).tiny
        change = np.nan_to_num(change.max(1), nan=np.inf, posinf=np.inf)[usable] / np.maximum(allowed[usable], least)
    return float(change.max() if single else np.median(change))


def require_function(model: keras.Model, where: str) -> None:
    """Refuse a model whose answer for an input depends on what else it was asked, before it or in the same batch.

    Raises:
        InputError: such a model, or one that cannot be called; with the name of the first layer that is at fault.
    """
    inputs = tries(model)[:4]
    found = _fault(model, inputs)
    if found:
        name = _first_at_fault(model, inputs)
        layer = f'layer "{name}": ' if name else ""
        raise InputError.unexpected(
            where,
            f"{layer}{found}",
            "layers that answer for each example by itself, the same every time and in a batch of any size",
        )


def hold_saved(model: keras.Model, where: str) -> None:
    """Compare a model with what a file of it holds, before work is spent on it.

    Raises:
        InputError: a model that Keras cannot save and load, or that is another one then.
    """
    import keras

    before = answers(model)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        try:
            model.save(path)
            loaded = keras.models.load_model(path, compile=False)
        except Exception as error:  # of many kinds
            raise InputError.unexpected(
                where,
                f"a model that Keras cannot save and load again ({reason(error)})",
                "one that it can",
                "A layer that two models share (a model inside another, and the other) is one reason.",
            ) from error
    hold(before, loaded, "saving and loading it", where)


def tries(model: keras.Model) -> Array:
    """Inputs on which two functions that differ would show it: (N, *shape), the same every time.

    Of several scales, for a model may take values around 0, from 0 to 1 or from 0 to 255; smooth ones, for layers that
    see edges; and, where it normalises with statistics of its own, inputs of those statistics.
    """
    shape = tuple(model.inputs[0].shape[1:])
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 1, int(np.prod(shape))).reshape(shape)
    normal = rng.standard_normal((6, *shape))
    drawn = [normal[0], normal[1], rng.random(shape), ramp, 0.1 * normal[2], 10 * normal[3]]
    if _epsilon(model) <= _SINGLE:  # whose squares 16 bits cannot hold
        drawn.append(255 * rng.random(shape))
    for layer in walk(model):
        mean, variance = getattr(layer, "mean", None), getattr(layer, "variance", None)
        try:
            suited = np.asarray(mean)[0] + np.sqrt(np.asarray(variance)[0]) * normal[4:]
        except (TypeError, ValueError, IndexError):
            continue
        if suited.shape == (2, *shape):
            drawn += list(suited)
            break
    return np.stack(drawn).astype(np.float32)


def ask(model: Any, inputs: Array) -> NDArray[np.float64]:
    """What a model puts out for inputs, in batches of its own size where that is fixed."""
    channels_first.compute_last(runtime.start(), walk(model))
    size = model.inputs[0].shape[0] or len(inputs)
    outputs = []
    for start in range(0, len(inputs), size):
        batch = inputs[start : start + size]
        filled = np.concatenate([batch, np.repeat(batch[:1], size - len(batch), axis=0)])
        outputs.append(np.asarray(model(filled, training=False), np.float64)[: len(batch)])
    return np.concatenate(outputs)


def reason(error: Exception) -> str:
    """What Keras says went wrong, in one line: the cause below "Exception encountered when calling …", not above it."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    if "Exception encountered: " in text:  # below the whole configuration of a layer
        text = text.rpartition("Exception encountered: ")[2]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith("Exception encountered"):
        return f"{lines[0].rstrip('.')}: {lines[1]}"
    causes = [line for line in lines[1:] if not line.endswith(":")]
    if lines and causes and "could not be loaded" in lines[0]:
        return f"{lines[0]} {causes[0]}"
    return first_line(error)


def _epsilon(model: keras.Model) -> float:
    """Of the shortest numbers that a layer computes in."""
    return max((_EPSILON.get(str(layer.compute_dtype), _SINGLE) for layer in walk(model)), default=_SINGLE)


def _fault(model: Any, inputs: Array) -> str:
    """How the answers of a model depend on more than the example, or nothing."""
    ways: list[tuple[str, Callable[[], Any]]] = [
        ("an answer that is another one when it is asked again", lambda: ask(model, inputs)),
        ("an answer that depends on the other examples of a batch", lambda: ask(model, inputs[:1])),
        ("an answer that depends on the place in a batch", lambda: ask(model, inputs[::-1])[::-1]),
    ]
    try:
        first = ask(model, inputs)
        if len(first) != len(inputs):
            return f"{len(first)} answers for {len(inputs)} examples"
        for text, again in ways:
            second = again().reshape(-1, *first.shape[1:])
            flat = first[: len(second)].reshape(len(second), -1)
            if flat.size and difference(flat, second.reshape(len(second), -1), _epsilon_of(model)) > 1:
                return text
    except Exception as error:  # Keras raises many kinds; all mean the same here
        return f"a failure for {len(inputs)} examples ({reason(error)})"
    return ""


def _epsilon_of(model: Any) -> float:
    return _epsilon(model) if hasattr(model, "layers") else _SINGLE


def _first_at_fault(model: keras.Model, inputs: Array) -> str:
    """The name of the first layer or operation whose output is at fault; empty where it cannot be told."""
    from keras import Model

    try:
        for step in steps(model):
            part = Model(model.inputs[0], step.output_tensors[0])
            if _fault(part, inputs):
                inner = step.operation
                if not hasattr(inner, "layers"):
                    return str(inner.name)
                return _first_at_fault(inner, tries(inner)[:4]) or str(inner.name)
    except Exception:  # a part that is no model of its own
        return ""
    return ""
