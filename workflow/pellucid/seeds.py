"""Random generators: one seed per experiment, one independent stream per stage."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def generator(seed: int, *names: str) -> np.random.Generator:
    """Return the generator of the stage (or part of a stage) that `names` spell out.

    Two stages of one experiment never share a stream, so that adding or rerunning one leaves the others' numbers as
    they were.
    """
    return np.random.default_rng([seed, *hashlib.sha256("/".join(names).encode()).digest()])


def integer(seed: int, *names: str) -> int:
    """Return a seed of 31 bits, derived as in `generator`, for libraries that take an integer."""
    return int(generator(seed, *names).integers(2**31))


def per_example(inputs: NDArray[np.float32], rng: np.random.Generator) -> Iterator[np.random.Generator]:
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
