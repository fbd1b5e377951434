"""Total Sobol indices by Jansen's estimator: the share of a variance to which one number contributes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def total_indices(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the total indices by Jansen's estimator from scores (1 + segments, designs, N): (N, segments).

    The index of segment i is half of the mean square of f(A) - f(A with i from B), as a share of the variance of f(A).
    """
    variance = scores[0].var(0, ddof=1)
    # Float32 logits that differ in their last digits do not vary.
    varies = variance > (4 * np.finfo(np.float32).eps * np.abs(scores[0]).max(0)) ** 2
    lost = np.square(scores[1:] - scores[0]).mean(1) / 2
    indices: NDArray[np.float64] = (np.where(varies, lost, 0) / np.where(varies, variance, 1)).T
    return indices
