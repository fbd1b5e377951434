"""Intervals around predicted values, calibrated on the validation examples: split conformal prediction.

An interval is the prediction ± the k-th smallest absolute error of n validation examples, k = ⌈(n + 1) · level⌉. If
those and the test examples are drawn in the same way, independently of the model, such intervals hold the true value of
a share `level` of test examples, whatever the model is (Lei et al. 2018, Distribution-Free Predictive Inference for
Regression, section 2.2). But the best epoch of the model was chosen on the validation examples, so the intervals may be
a little too narrow. The coverage on the test examples shows by how much.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.score.shared.bootstrap import interval

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
# Test examples by their predicted value: intervals of one width may be too narrow for some of them.
PARTS = ("all", "lowest third", "middle third", "highest third")


def half_widths(calibration: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    """Return half the width of the intervals of each value, (values,); NaN with too few validation examples.

    Args:
        calibration: (M, values), absolute errors of the validation examples.
        level: share of the test examples whose value is to lie within. 0.9 takes 9 validation examples.
    """
    count, values = calibration.shape
    # 0.9 · 10 is 9.000000000000002 in floating point.
    rank = int(np.ceil(round((count + 1) * level, 9)))
    if not 0 < rank <= count:
        return np.full(values, np.nan)
    return np.asarray(np.sort(calibration, axis=0)[rank - 1], np.float64)


def coverage(
    errors: NDArray[np.float64],
    predicted: NDArray[np.float64],
    calibration: NDArray[np.float64],
    names: list[str],
    groups: NDArray[np.int64] | None = None,
) -> Any:
    """Return a table: how many test values lie within the intervals of each level, with an exact 95% interval.

    Args:
        errors: (N, values), absolute errors of the test examples.
        predicted: (N, values).
        calibration: (M, values), absolute errors of the validation examples.
        names: of the values.
        groups: (N,), the number of each test example's group; None if examples are independent.
    """
    import pandas as pd

    rows, rng = [], np.random.default_rng(0)
    for value, name in enumerate(names):
        thirds = np.argsort(np.argsort(predicted[:, value], kind="stable"), kind="stable") * 3 // max(len(errors), 1)
        for level in LEVELS:
            width = half_widths(calibration, level)[value]
            if not np.isfinite(width):
                continue
            within = (errors[:, value] <= width).astype(np.float64)
            for place, part in enumerate(PARTS):
                members = np.ones(len(within), np.bool_) if part == "all" else thirds == place - 1
                chosen, of_chosen = within[members], None if groups is None else groups[members]
                if len(chosen):
                    share = interval(chosen, rng, proportion=True, groups=of_chosen)
                    rows.append((name, part, level, width, share.mean, share.low, share.high, len(chosen)))
    columns = ["value", "part", "level", "half_width", "coverage", "coverage_low", "coverage_high", "examples"]
    return pd.DataFrame(rows, columns=columns)
