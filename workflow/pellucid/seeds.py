"""Random generators: one seed per experiment, one independent stream per stage."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, *names: str) -> np.random.Generator:
    """Return the generator of the stage (or part of a stage) that `names` spell out.

    Two stages of one experiment never share a stream, so that adding or rerunning one leaves the others' numbers as
    they were.
    """
    return np.random.default_rng([seed, *hashlib.sha256("/".join(names).encode()).digest()])


def integer(seed: int, *names: str) -> int:
    """Return a seed of 31 bits, derived as in `generator`, for libraries that take an integer."""
    return int(generator(seed, *names).integers(2**31))
