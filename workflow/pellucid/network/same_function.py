"""Check that a step (new batch size, other precision, new head, saving, loading) does not change a model's function.

The class scores of a few inputs are compared before and after each such step.
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
from pellucid.messages import counted, first_line
from pellucid.network import channels_first, runtime, tracing
from pellucid.network.layers import is_model, last_layer, steps, walk
from pellucid.network.named_inputs import Rows, ends, fitting

if TYPE_CHECKING:
    import keras

Array = NDArray[np.float32]

# Share of the scores' size that rounding may change: the order of sums differs between batches of different sizes.
_TOLERANCE = 1e-4
# The same for models that compute in fewer digits, in units of the last digit.
_LAST_PLACES = 32
_SINGLE = float(np.finfo(np.float32).eps)
_EPSILON = {"float16": float(np.finfo(np.float16).eps), "bfloat16": 2.0**-7}


@dataclass(frozen=True)
class Answers:
    """The class scores of a model for a few inputs.

    Attributes:
        inputs: (N, *shape); for a model of several inputs, rows of each.
        scores: (N, classes), before the last activation.
        epsilon: relative rounding of the numbers that the model computes in.
    """

    inputs: Array | Rows
    scores: NDArray[np.float64]
    epsilon: float


def answers(model: keras.Model, inputs: Array | Rows | None = None) -> Answers:
    """Return the class scores of a model for `inputs`; by default for inputs that suit it (`tries`)."""
    inputs = tries(model) if inputs is None else inputs
    with tracing.without_softmax(last_layer(model)):
        return Answers(inputs, ask(model, inputs), _epsilon(model))


def hold(before: Answers, model: keras.Model, step: str, where: str) -> None:
    """Compare a model with its class scores before a step.

    Args:
        before: from `answers`.
        model: the model after the step.
        step: what was done, as the message names it.
        where: what to call the model.

    Raises:
        InputError: the scores have changed, or cannot be computed any more.
    """
    try:
        after = answers(model, before.inputs)
    except Exception as error:  # Keras raises many kinds; all mean the same here
        raise InputError.unexpected(
            where, f"a model that fails after {step} ({reason(error)})", "a model that works as before"
        ) from error
    hold_scores(before.scores, after.scores, step, where, epsilon=max(before.epsilon, after.epsilon))


def hold_scores(before: NDArray[Any], after: NDArray[Any], step: str, where: str, *, epsilon: float = _SINGLE) -> None:
    """Compare class scores or probabilities (N, classes) before and after a step.

    Raises:
        InputError: they differ by more than rounding does.
    """
    if (change := difference(before, after, epsilon)) > 1:
        largest = float(np.nanmax(np.abs(np.asarray(after, np.float64) - before)))
        raise InputError.unexpected(
            where,
            f"a different function after {step}: class scores of random inputs change by up to {largest:.3g}, "
            f"{change:,.0f} times as much as rounding explains",
            "the same scores as before",
            "The model holds a layer that this step does not carry over.",
        )


def difference(before: NDArray[Any], after: NDArray[Any], epsilon: float = _SINGLE) -> float:
    """Return the largest difference of scores (N, classes), in units of what rounding may change; inf for other shapes.

    With less than 32 bits, single inputs may have a large error (a square that overflows): then the median over the
    inputs counts.
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
    """Refuse a model whose answer for an input depends on other inputs, earlier or in the same batch.

    Raises:
        InputError: such a model, or a model that cannot be called; names the first layer at fault.
    """
    inputs = tries(model)[:4]
    fault = _fault(model, inputs)
    if fault:
        name = _first_at_fault(model, inputs)
        layer = f'layer "{name}": ' if name else ""
        raise InputError.unexpected(
            where,
            f"{layer}{fault}",
            "layers whose output for an example is the same every time, in any batch",
        )


def hold_saved(model: keras.Model, where: str) -> None:
    """Check, before work is spent on a model, that saving and loading gives it back.

    Raises:
        InputError: Keras cannot save and load the model, or loads another function.
    """
    import keras

    before = answers(model)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        try:
            model.save(path)
            loaded = keras.models.load_model(path, compile=False)
        except Exception as error:  # Keras raises many kinds; all mean the same here
            raise InputError.unexpected(
                where,
                f"a model that Keras cannot save and load again ({reason(error)})",
                "a model that Keras can save and load",
                "One possible reason: a model inside another model shares a layer with it.",
            ) from error
    hold(before, loaded, "saving and loading it", where)


def tries(model: keras.Model) -> Array | Rows:
    """Return inputs on which different functions are likely to differ: (N, *shape), the same every time.

    They have several scales, since a model may take values around 0, from 0 to 1 or from 0 to 255. Some are smooth, for
    layers that see edges. If the model normalises with its own statistics, some inputs have these statistics. For a
    model of several inputs there are as many rows of each, drawn with separate generators.
    """
    tried = [_tries(model, tuple(tensor.shape[1:]), seed) for seed, tensor in enumerate(model.inputs)]
    if len(tried) == 1:
        return tried[0]
    # One input may have rows of the model's own statistics, and another none.
    rows = min(map(len, tried))
    return Rows({tensor.name: fitting(tensor, x[-rows:]) for tensor, x in zip(model.inputs, tried, strict=True)})


def _tries(model: keras.Model, shape: tuple[int, ...], seed: int) -> Array:
    """Return what `tries` does, of one input."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0, 1, int(np.prod(shape))).reshape(shape)
    normal = rng.standard_normal((6, *shape))
    drawn = [normal[0], normal[1], rng.random(shape), ramp, 0.1 * normal[2], 10 * normal[3]]
    if _epsilon(model) <= _SINGLE:  # their squares overflow in 16 bits
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


def ask(model: Any, inputs: Array | Rows) -> NDArray[np.float64]:
    """Return the output of a model for inputs, in batches of its own size if that is fixed."""
    channels_first.compute_last(runtime.start(), walk(model))
    size = model.inputs[0].shape[0] or len(inputs)
    outputs = []
    for start in range(0, len(inputs), size):
        batch = inputs[start : start + size]
        if isinstance(batch, Rows):
            filled: Any = {name: _filled(array, size) for name, array in batch.arrays.items()}
        else:
            filled = _filled(batch, size)
        result = model(filled, training=False)
        while isinstance(result, dict | list | tuple) and len(result) == 1:  # one output with a name
            result = next(iter(result.values() if isinstance(result, dict) else result))
        outputs.append(np.asarray(result, np.float64)[: len(batch)])
    return np.concatenate(outputs)


def _filled(batch: Array, size: int) -> Array:
    """Return a batch with its first row repeated at the end up to `size` rows."""
    return np.concatenate([batch, np.repeat(batch[:1], size - len(batch), axis=0)])


def reason(error: Exception) -> str:
    """Return in one line what Keras says went wrong: the cause below "Exception encountered when calling …"."""
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
    """Return the rounding of the shortest numbers that a layer computes in."""
    return max((_EPSILON.get(str(layer.compute_dtype), _SINGLE) for layer in walk(model)), default=_SINGLE)


def _fault(model: Any, inputs: Array | Rows) -> str:
    """Describe how the answers of a model depend on more than the example; empty where they do not."""
    checks: list[tuple[str, Callable[[], Any]]] = [
        ("an answer that changes when it is asked again", lambda: ask(model, inputs)),
        ("an answer that depends on the other examples of a batch", lambda: ask(model, inputs[:1])),
        ("an answer that depends on the place in a batch", lambda: ask(model, inputs[::-1])[::-1]),
    ]
    try:
        first = ask(model, inputs)
        if len(first) != len(inputs):
            return f"{counted(len(first), 'answer')} for {counted(len(inputs), 'example')}"
        for text, again in checks:
            second = again().reshape(-1, *first.shape[1:])
            flat = first[: len(second)].reshape(len(second), -1)
            if flat.size and difference(flat, second.reshape(len(second), -1), _epsilon_of(model)) > 1:
                return text
    except Exception as error:  # Keras raises many kinds; all mean the same here
        return f"a failure for {counted(len(inputs), 'example')} ({reason(error)})"
    return ""


def _epsilon_of(model: Any) -> float:
    return _epsilon(model) if hasattr(model, "layers") else _SINGLE


def _first_at_fault(model: keras.Model, inputs: Array | Rows) -> str:
    """Return the name of the first layer or operation whose output is at fault; empty where it is unknown."""
    from keras import Model

    try:
        for step in steps(model):
            start = Model(ends(model), step.output_tensors[0])
            if _fault(start, inputs):
                inner = step.operation
                if not is_model(inner):
                    return str(inner.name)
                return _first_at_fault(inner, tries(inner)[:4]) or str(inner.name)
    except Exception:  # the layers up to here may make no model
        return ""
    return ""
