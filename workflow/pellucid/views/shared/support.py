"""Which training examples support another example, and which oppose it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def counts(kind: str, values: ArrayLike, of: str) -> NDArray[np.bool_]:
    """Return whether training examples with these influences support (oppose) an example; the nearest always count.

    Args:
        kind: "supporting" or "opposing".
        values: influences, or distances.
        of: what they are of; "nearest" for distances.
    """
    strengths = np.asarray(values)
    if of == "nearest":
        return np.ones(strengths.shape, np.bool_)
    return np.asarray(strengths > 0 if kind == "supporting" else strengths < 0)
