"""Check the arrays of the caller: examples, classes, masks."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, counted, did_you_mean, format_shape

_NUMBERS = "biuf"
_AXES = {3: "(examples, time, channels)", 4: "(examples, height, width, channels)"}
_MOST_NAMES = 20  # in a message

# Share of a standard deviation that rounding to 32 bits may change without a word.
_LOST = 1e-2
_ROWS = 256  # that are looked at

logger = logging.getLogger(__name__)


def numbers(values: Any, name: str) -> NDArray[np.float32]:
    """Return finite numbers as float32, the numbers that networks compute in, in an array that nobody else changes.

    Raises:
        InputError: no numbers, rows of different lengths, no values, masked values, NaN or infinity.
    """
    unmasked(values, name)
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
        # A caller may fill the same array with other values later. What cannot be written, such as a large file, is not
        # copied.
        single = np.array(array, np.float32, order="C", copy=array.flags.writeable or None)
    if not np.isfinite(single).all():
        place = tuple(int(index) for index in np.argwhere(~np.isfinite(single))[0])
        fault = "NaN" if np.isnan(single[place]) else "infinity, or a number too large for 32 bits,"
        hint = "Fill gaps with a number, and mark them: measured=… is false there."
        raise InputError.unexpected(name, f"{fault} at {list(place)}", "finite numbers", hint)
    _tell_of_rounding(array, single, name)
    return single


def _tell_of_rounding(exact: NDArray[Any], single: NDArray[np.float32], name: str) -> None:
    """Log that numbers lose their differences in 32 bits, as small changes on a large offset do.

    Args:
        exact: what the caller passed.
        single: the same as float32.
        name: of the argument.
    """
    if exact.ndim < 2 or np.can_cast(exact.dtype, np.float32):
        return
    axes, some = tuple(range(exact.ndim - 1)), slice(None, None, max(1, len(exact) // _ROWS))
    wide = np.asarray(exact[some], np.float64)
    # Less the first value: the mean of large numbers is itself rounded.
    spread, lost = (wide - wide[(slice(1),) * len(axes)]).std(axes), np.abs(wide - single[some]).max(axes)
    if (coarse := np.flatnonzero((lost > _LOST * spread) & (spread > 0))).size:
        last = coarse[np.argmax(lost[coarse])]
        logger.warning(
            "%s: as 32-bit numbers, which are explained, values at index %d of the last axis change by up to %.3g, and "
            "their standard deviation is %.3g. Subtract what they have in common, for the model too",
            *(name, last, lost[last], spread[last]),
        )


def unmasked(values: Any, name: str) -> Any:
    """Return the values; numpy would take what is below a mask for values like the others.

    Raises:
        InputError: a masked array, or a list of arrays, in which a value is masked.
    """
    parts = values if isinstance(values, list | tuple) else [values]
    hidden = int(sum(np.count_nonzero(part.mask) for part in parts if isinstance(part, np.ma.MaskedArray)))
    if hidden:
        hint = "x.filled(0) fills them, and measured=~np.ma.getmaskarray(x) says where they are." if name == "x" else ""
        raise InputError.unexpected(name, f"a masked array with {counted(hidden, 'masked value')}", "none", hint)
    return values


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
    array = np.array(unmasked(measured, "measured"))
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
    array = np.asarray(unmasked(values, name))
    if array.ndim == 2 and array.shape == (n, len(class_names)):
        hint = f"{name}.argmax(1) gives the classes of one-hot rows."
        raise InputError.unexpected(name, f"shape {format_shape(array.shape)}", "one class for each example", hint)
    if array.shape != (n,):
        found = counted(len(array), "class") if array.ndim == 1 else f"shape {format_shape(array.shape) or '()'}"
        raise InputError.unexpected(name, found, f"{n}, one for each example of {examples}")
    chosen = np.array([single(value, name, class_names, word) for value in array.tolist()], np.int64)
    tell_of_numbers(array.tolist(), name, class_names, word)
    return chosen


def tell_of_numbers(values: Sequence[Any], name: str, class_names: Sequence[str], word: str) -> None:
    """Log which output a number means if another output has this number as its name, as classes 1, 2, 3 have."""
    whole = {int(value) for value in values if not isinstance(value, str)}
    if mistaken := sorted(
        number for number in whole if str(number) in class_names and class_names[number] != str(number)
    ):
        logger.warning(
            '%s: the number %d means the %s "%s", since numbers count the model\'s outputs from 0; the %s "%d" is '
            "meant by its name, a text",
            *(name, mistaken[0], word, class_names[mistaken[0]], word, mistaken[0]),
        )


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
