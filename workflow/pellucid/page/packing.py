"""Write arrays as text for a page: base64 of float32, or of whole numbers with a scale for each map to save room."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Bytes of all arrays of a page; base64 makes them a third longer, and the whole page is to stay below 10 MB.
ROOM = 6_000_000
# The page keeps this many examples (if there are as many), and then averages neighbours instead of dropping examples.
_FEWEST_EXAMPLES = 6
_WHOLE = {"int16": 32767, "int8": 127}


@dataclass(frozen=True)
class Plan:
    """How the arrays of a page are made to fit.

    Attributes:
        dtype: "float32" for exact values; "int16" or "int8" for values rounded to a 32767th or a 127th of the largest.
        examples: how many of the examples the page holds.
        block: how many neighbours along each axis are averaged.
    """

    dtype: str
    examples: int
    block: int


def plan(sizes: Sequence[int], channels: Sequence[int], examples: int, room: int = ROOM) -> Plan:
    """Return how arrays fit into `room` bytes: exact if possible, else rounded, else fewer examples, else averaged.

    Args:
        sizes: of the axes of an example, without the channels.
        channels: of each array that every example has: of its input and of each of its maps.
        examples: number of examples.
        room: bytes.
    """
    values = int(np.prod(sizes)) * sum(channels)
    for dtype in ("float32", "int16", "int8"):
        if examples * values * np.dtype(dtype).itemsize <= room:
            return Plan(dtype, examples, 1)
    block = 1
    while True:
        values = int(np.prod([-(-size // block) for size in sizes])) * sum(channels)
        if room // values >= min(examples, _FEWEST_EXAMPLES) or values <= sum(channels):
            return Plan("int8", max(1, min(examples, room // values)), block)
        block += 1


def averaged(maps: NDArray[Any], block: int) -> NDArray[Any]:
    """Return arrays (N, *axes, channels) with the mean of `block` neighbours along each axis; bool arrays with any."""
    if block == 1:
        return maps
    reduce = np.logical_or if maps.dtype == bool else np.add
    for axis in range(1, maps.ndim - 1):
        starts = np.arange(0, maps.shape[axis], block)
        lengths = np.diff(np.append(starts, maps.shape[axis]))
        maps = reduce.reduceat(maps, starts, axis=axis)
        if maps.dtype != bool:
            maps = maps / lengths.reshape([-1 if place == axis else 1 for place in range(maps.ndim)])
    return maps


def pack(arrays: NDArray[Any], dtype: str, *, centred: bool = False) -> dict[str, Any]:
    """Return float arrays (N, …) as a JSON object: value = offset + scale × number, with both for each of the N.

    Args:
        arrays: finite values.
        dtype: of the numbers; "float32" keeps every value.
        centred: whether 0 lies in the middle of the values, as in images; for maps it does not, and 0 stays 0.
    """
    flat = np.asarray(arrays, np.float32).reshape(len(arrays), -1)
    offset, scale = np.zeros(len(flat)), np.ones(len(flat))
    if dtype == "float32":
        numbers = flat
    else:
        if centred:
            offset = (flat.max(1).astype(np.float64) + flat.min(1)) / 2
        reach = np.abs(flat - offset[:, np.newaxis]).max(1)
        scale = np.where(reach > 0, reach / _WHOLE[dtype], 1)
        numbers = np.rint((flat - offset[:, np.newaxis]) / scale[:, np.newaxis])
    return {
        "dtype": dtype,
        "shape": list(arrays.shape),
        "offset": offset.tolist(),
        "scale": scale.tolist(),
        "data": _base64(numbers.astype(np.dtype(dtype).newbyteorder("<"))),
    }


def pack_bits(array: NDArray[np.bool_]) -> dict[str, Any]:
    """Return a bool array as a JSON object, eight values to a byte, the first in the highest bit."""
    return {"dtype": "bits", "shape": list(array.shape), "data": _base64(np.packbits(array))}


def unpack(block: dict[str, Any]) -> NDArray[Any]:
    """Return the array that `pack` or `pack_bits` wrote, as the page reads it."""
    content, shape = base64.b64decode(block["data"]), block["shape"]
    if block["dtype"] == "bits":
        return np.unpackbits(np.frombuffer(content, np.uint8))[: int(np.prod(shape))].reshape(shape).astype(bool)
    numbers = np.frombuffer(content, np.dtype(block["dtype"]).newbyteorder("<")).reshape(len(block["scale"]), -1)
    values = np.array(block["offset"])[:, np.newaxis] + np.array(block["scale"])[:, np.newaxis] * numbers
    return np.asarray(values.reshape(shape), np.float32)


def _base64(array: NDArray[Any]) -> str:
    return base64.b64encode(array.tobytes()).decode("ascii")
