"""Random numbers of each example's own."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def per_example_rng(inputs: NDArray[np.float32], rng: np.random.Generator) -> Iterator[np.random.Generator]:
    """A generator for each example, from the shared one and the example's bytes.

    What is drawn depends neither on the other examples nor on their order, and examples do not share one draw: their
    mean is steadier, and an interval over examples shows how much of it is luck.

    Args:
        inputs: (N, *input_shape).
        rng: gives one number, which is the seed of all.
    """
    seed = int(rng.integers(2**31))
    for x in inputs:
        yield np.random.default_rng([seed, zlib.crc32(np.ascontiguousarray(x).tobytes())])
