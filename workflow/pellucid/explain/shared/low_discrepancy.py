"""Points that fill a cube evenly (Sobol and Halton sequences), for the methods of global sensitivity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError

# Scipy has direction numbers of the Sobol sequence for so many dimensions (`qmc.Sobol.MAXDIM`).
_SOBOL = 21201


def points(number: int, dimensions: int, sequence: str, rng: np.random.Generator, name: str) -> NDArray[np.float64]:
    """Return points of a scrambled sequence in the unit cube: (number, dimensions).

    Args:
        number: of points, a power of two for a Sobol sequence.
        dimensions: of a point.
        sequence: sobol or halton.
        rng: scrambles the sequence.
        name: of the method, for messages.

    Raises:
        InputError: a Sobol sequence of more dimensions than there are.
    """
    # Every start of Snakemake imports all methods: without this line's half a second.
    from scipy.stats import qmc

    if sequence == "halton":
        return np.asarray(qmc.Halton(dimensions, rng=rng).random(number))
    if dimensions > _SOBOL:
        raise InputError.unexpected(
            f"{name}.segments", f"so many that a point needs {dimensions} numbers", f"at most {_SOBOL}", "Take fewer."
        )
    return np.asarray(qmc.Sobol(dimensions, rng=rng).random(number))


def require_power_of_two(number: int, key: str) -> None:
    """Refuse a number of points for which a Sobol sequence is not balanced.

    Raises:
        InputError: it is no power of two.
    """
    if number & (number - 1):
        below = 1 << (number.bit_length() - 1)
        raise InputError.unexpected(
            key, f"{number}", f"a power of two for a Sobol sequence, such as {below} or {2 * below}"
        )
