"""Going through inputs × copies (windows, noise samples, steps of a path) in parts that fill a batch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

# Values of a block of altered inputs. Measured on 224 × 224 × 3: blocks that fit the processor's cache are made two to
# three times as fast as those of 256 examples, and no network there is faster for more.
_CACHED_VALUES = 2**20


def slices(number: int, size: int) -> list[slice]:
    """Parts of so many examples, each of `size` at most; one, empty, where there are none."""
    return [slice(start, start + size) for start in range(0, max(number, 1), size)]


def blocks(inputs: int, copies: int, size: int) -> Iterator[tuple[slice, slice]]:
    """Parts of the inputs and, for each, parts of the copies, whose product is at most `size` examples.

    Args:
        inputs: number of inputs.
        copies: number of altered copies of each.
        size: of a batch.
    """
    for start in range(0, inputs, size):
        part = slice(start, min(start + size, inputs))
        step = max(1, size // (part.stop - part.start))
        for first in range(0, copies, step):
            yield part, slice(first, min(first + step, copies))


def block_size(batch_size: int, input_shape: Sequence[int]) -> int:
    """Return how many altered inputs to make at a time: at most a batch, and no more than fit the processor's cache."""
    return max(1, min(batch_size, _CACHED_VALUES // math.prod(input_shape)))


def squares(inputs: int, others: int, size: int) -> Iterator[tuple[slice, slice]]:
    """Parts of the inputs and of the others whose product is at most `size` pairs, and whose sum is small.

    Args:
        inputs, others: how many there are; every pair is in one block.
        size: of a block.
    """
    side = min(inputs, max(math.isqrt(size), size // max(others, 1)))
    for part in _even(inputs, side):
        for some in _even(others, max(1, size // side)):
            yield part, some


def _even(number: int, most: int) -> Iterator[slice]:
    """The fewest parts of at most that many, of lengths that differ by one at most."""
    if number:
        parts = -(-number // most)
        yield from (slice(*edges) for edges in pairwise(number * part // parts for part in range(parts + 1)))
