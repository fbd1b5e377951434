"""Random numbers that belong to single examples."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def per_example_rng(inputs: NDArray[np.float32], rng: np.random.Generator) -> Iterator[np.random.Generator]:
    """Yield a generator for each example, seeded by the shared generator and by the example's bytes.

    The draws do not depend on the other examples or on their order. They differ between examples, so that their mean is
    steadier, and an interval over examples includes their randomness.

    Args:
        inputs: (N, *input_shape).
        rng: draws one number, which is part of all seeds.
    """
    seed = int(rng.integers(2**31))
    for x in inputs:
        yield np.random.default_rng([seed, zlib.crc32(np.ascontiguousarray(x).tobytes())])
