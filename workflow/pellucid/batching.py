"""Going through inputs × copies (windows, noise samples, steps of a path) in parts that fill a batch."""

from __future__ import annotations

from collections.abc import Iterator


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
