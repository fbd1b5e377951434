"""Split inputs, and inputs × copies (windows, noise samples, steps of a path), into slices that fill a batch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

# Values of a block of altered inputs. Measured on 224 × 224 × 3: blocks that fit the processor's cache are made two to
# three times as fast as those of 256 examples, and no network there is faster for more.
_CACHED_VALUES = 2**20


def slices(number: int, size: int) -> list[slice]:
    """Return slices of at most `size` that cover `number` examples; a single empty slice if there are none."""
    return [slice(start, start + size) for start in range(0, max(number, 1), size)]


def blocks(inputs: int, copies: int, size: int) -> Iterator[tuple[slice, slice]]:
    """Yield a slice of the inputs and a slice of their copies; together they are at most `size` examples.

    Args:
        inputs: number of inputs.
        copies: number of altered copies of each input.
        size: examples in a batch.
    """
    for start in range(0, inputs, size):
        rows = slice(start, min(start + size, inputs))
        step = max(1, size // (rows.stop - rows.start))
        for first in range(0, copies, step):
            yield rows, slice(first, min(first + step, copies))


def block_size(batch_size: int, input_shape: Sequence[int]) -> int:
    """Return how many altered inputs to make at a time: at most a batch, and no more than fit the processor's cache."""
    return max(1, min(batch_size, _CACHED_VALUES // math.prod(input_shape)))


def squares(inputs: int, others: int, size: int) -> Iterator[tuple[slice, slice]]:
    """Yield pairs of slices, of the inputs and of the others, with at most `size` pairs and few members in all.

    Args:
        inputs, others: their numbers; every pair of an input and an other is in exactly one block.
        size: pairs in a block.
    """
    side = min(inputs, max(math.isqrt(size), size // max(others, 1)))
    for rows in _even(inputs, side):
        for columns in _even(others, max(1, size // side)):
            yield rows, columns


def _even(number: int, most: int) -> Iterator[slice]:
    """Yield the fewest slices of at most `most`, whose lengths differ by one at most."""
    if number:
        parts = -(-number // most)
        yield from (slice(*edges) for edges in pairwise(number * index // parts for index in range(parts + 1)))
