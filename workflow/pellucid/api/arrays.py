"""Check the arrays of the caller: examples, classes, masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, counted, did_you_mean, format_shape

_NUMBERS = "biuf"
_AXES = {3: "(examples, time, channels)", 4: "(examples, height, width, channels)"}
_MOST_NAMES = 20  # in a message


def numbers(values: Any, name: str) -> NDArray[np.float32]:
    """Return finite numbers as float32, the numbers that networks compute in.

    Raises:
        InputError: no numbers, rows of different lengths, no values, NaN or infinity.
    """
    try:
        array = np.asarray(values)
    except ValueError:
        raise InputError.unexpected(name, "rows of different lengths", "one array of numbers") from None
    if array.dtype.kind not in _NUMBERS:
        found = "rows of different lengths, or objects that are no numbers" if array.dtype.kind == "O" else array.dtype
        raise InputError.unexpected(name, f"{found}", "numbers")
    if not array.size:
        raise InputError.unexpected(name, f"no values (shape {array.shape})", "at least one example")
    with np.errstate(over="ignore"):
        single = np.asarray(array, np.float32, order="C")
    if not np.isfinite(single).all():
        place = tuple(int(index) for index in np.argwhere(~np.isfinite(single))[0])
        fault = "NaN" if np.isnan(single[place]) else "infinity, or a number too large for 32 bits,"
        hint = "Fill gaps with a number, and mark them: measured=… is false there."
        raise InputError.unexpected(name, f"{fault} at {list(place)}", "finite numbers", hint)
    return single


def batch(x: NDArray[np.float32], input_shape: tuple[int, ...], name: str = "x") -> NDArray[np.float32]:
    """Return x with its axis of examples: an array of the shape of one example becomes a batch of one.

    Raises:
        InputError: another shape than (N, *input_shape) or input_shape.
    """
    if x.shape == input_shape:
        return x[np.newaxis]
    if x.shape[1:] == input_shape:
        return x
    hint = ""
    if (*x.shape[1:], 1) == input_shape or (*x.shape, 1) == input_shape:
        hint = f"{name}[..., np.newaxis] adds the axis of the one channel."
    elif x.ndim == len(input_shape) + 1 and (x.shape[0], x.shape[-1], *x.shape[1:-1])[1:] == input_shape:
        hint = f"np.moveaxis({name}, -1, 1) has this shape."
    elif x.ndim == len(input_shape) + 1 and (*x.shape[2:], x.shape[1]) == input_shape:
        hint = f"np.moveaxis({name}, 1, -1) has this shape."
    found = f"shape {format_shape(x.shape)}"
    raise InputError.unexpected(name, found, f"N × {format_shape(input_shape)}, N examples for the model", hint)


def listed(names: Sequence[str]) -> str:
    """Return the first names of a list, in words."""
    return comma_list(names[:_MOST_NAMES]) + (", …" if len(names) > _MOST_NAMES else "")


def require_kind(input_shape: tuple[int, ...], batched: int = 0) -> Literal["series", "image"]:
    """Return "series" or "image", for examples of this shape.

    Args:
        input_shape: of one example.
        batched: the number of axes of x, if the shape was taken from x (which may be a single example).

    Raises:
        InputError: examples of another number of axes.
    """
    if len(input_shape) + 1 not in _AXES:
        expected = " or ".join(_AXES.values())
        hint = "x[np.newaxis] makes a batch of one example." if batched + 1 in _AXES else ""
        raise InputError.unexpected("x", f"examples of shape {format_shape(input_shape) or '()'}", expected, hint)
    return "series" if len(input_shape) == 2 else "image"


def mask(measured: Any, x: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """Return where values were measured, of the shape of x; None where all were.

    Raises:
        InputError: another shape, or values other than true and false.
    """
    if measured is None:
        return None
    array = np.asarray(measured)
    array = array[np.newaxis] if array.shape == x.shape[1:] else array
    if array.dtype != bool or array.shape != x.shape:
        found = f"{array.dtype} of shape {format_shape(array.shape) or '()'}"
        raise InputError.unexpected("measured", found, f"true and false, of the shape of x: {format_shape(x.shape)}")
    return None if array.all() else array


def classes(
    values: Any, name: str, n: int, class_names: Sequence[str], examples: str = "x", word: str = "class"
) -> NDArray[np.int64]:
    """Return the class (or another output, called `word`) of each example as a number (n,), from numbers or names.

    Raises:
        InputError: another number of examples, a class that the model does not have, or one-hot rows.
    """
    array = np.asarray(values)
    if array.ndim == 2 and array.shape == (n, len(class_names)):
        hint = f"{name}.argmax(1) gives the classes of one-hot rows."
        raise InputError.unexpected(name, f"shape {format_shape(array.shape)}", "one class for each example", hint)
    if array.shape != (n,):
        found = counted(len(array), "class") if array.ndim == 1 else f"shape {format_shape(array.shape) or '()'}"
        raise InputError.unexpected(name, found, f"{n}, one for each example of {examples}")
    return np.array([single(value, name, class_names, word) for value in array.tolist()], np.int64)


def single(value: Any, name: str, class_names: Sequence[str], word: str = "class") -> int:
    """Return the number of one class (or another output, called `word`), from its number or its name.

    Raises:
        InputError: the model has no such class.
    """
    n = len(class_names)
    if isinstance(value, str):
        if value in class_names:
            return list(class_names).index(value)
        shown = comma_list(class_names[:_MOST_NAMES]) + (f", … ({n:,} classes)" if n > _MOST_NAMES else "")
        hint = did_you_mean(value, class_names).strip()
        raise InputError.unexpected(name, abbreviate(value), f"a {word}: {shown}", hint)
    is_whole = isinstance(value, (int, np.integer)) or (isinstance(value, float) and value.is_integer())
    if isinstance(value, bool) or not is_whole or not 0 <= value < n:
        raise InputError.unexpected(name, abbreviate(value), f"a {word} of the model, from 0 to {n - 1}")
    return int(value)
