"""Score a model that predicts measured values."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid.evaluate import resampling
from pellucid.evaluate.value_intervals import coverage, half_widths
from pellucid.score.shared import example_groups

# The intervals that are written beside each prediction, and whose coverage is a metric.
NOMINAL = 0.9


class Scored(NamedTuple):
    """What is measured of a regression.

    Attributes:
        metrics: for `metrics.json`, without notes.
        per_value: a row for each value.
        coverage: how many test values lie within intervals that were calibrated on the validation examples.
        widths: (values,), half the width of the 90% intervals; NaN without enough validation examples.
    """

    metrics: dict[str, Any]
    per_value: Any
    coverage: Any
    widths: NDArray[np.float64]


def score(
    true: NDArray[Any],
    predicted: NDArray[Any],
    names: list[str],
    units: list[str],
    spread: NDArray[np.float64],
    calibration: NDArray[np.float64],
    groups: NDArray[np.str_] | None = None,
) -> Scored:
    """Score the predictions of test examples.

    R² is 1 - (sum of squared errors) / (sum of squared differences from the mean of the test values); it is undefined
    where all test values are equal. `r2` is the mean over the values. Errors of values with different units have no
    mean: `mae` and `rmse` are in `metrics` where there is one value, `mae_in_sd` and `rmse_in_sd`, in standard
    deviations of the training values, always.

    Args:
        true, predicted: (N, values).
        names, units: of the values; "" for a unit that is not known.
        spread: (values,), standard deviations of the training values.
        calibration: (M, values), absolute errors on the validation examples, (0, values) if there are none that the
            model was not tested on.
        groups: (N,), such as patients: intervals are over groups then; None if examples are independent.
    """
    import pandas as pd

    true, predicted = true.astype(np.float64), predicted.astype(np.float64)
    whole = _values(true, predicted, np.ones((1, len(true))))
    members = example_groups.codes_of(groups)
    drawn = [_values(true, predicted, counts) for counts in resampling.resamples(len(true), len(names), members)]
    resampled = {name: np.concatenate([block[name] for block in drawn]) for name in whole}
    if resampling.too_few(members):
        resampled = {name: np.full_like(values, np.nan) for name, values in resampled.items()}
    columns: dict[str, Any] = {"value": names, "unit": units}
    for name, values in whole.items():
        low, high = resampling.ends(resampled[name])
        columns |= {name: values[0], f"{name}_low": low, f"{name}_high": high}
    residuals = predicted - true
    widths = half_widths(calibration, NOMINAL)
    columns |= {
        "bias": residuals.mean(0),
        "residual_sd": residuals.std(0),
        "spearman": [_spearman(true[:, value], predicted[:, value]) for value in range(len(names))],
        "true_mean": true.mean(0),
        "true_sd": true.std(0),
        "training_sd": spread,
        "interval_half_width": widths,
        "interval_coverage": _within(np.abs(residuals), widths),
    }
    table = coverage(np.abs(residuals), predicted, calibration, names, members)
    metrics = _metrics(whole, resampled, spread, table)
    metrics |= {"test_examples": len(true), "values": len(names)}
    if members is not None:
        metrics["test_groups"] = int(members.max()) + 1
    return Scored(metrics, pd.DataFrame(columns), table, widths)


def _values(true: NDArray[np.float64], predicted: NDArray[np.float64], counts: NDArray[np.float64]) -> Any:
    """Return R², MAE and RMSE of each value in each resample, (resamples, values)."""
    errors, total = predicted - true, counts.sum(1, keepdims=True)
    squares = counts @ errors**2
    # Centred first: squares of large values would lose the digits in which they differ.
    centred = true - true.mean(0)
    around = counts @ centred**2 - (counts @ centred) ** 2 / total
    # Rounding leaves a trace of a spread where all values of a resample are equal. It is one of the centred values: the
    # size of the values themselves does not matter (100,000 and 100,003 differ).
    varied = around > 1e-12 * (counts @ centred**2)
    r2 = np.where(varied, 1 - squares / np.where(varied, around, 1), np.nan)
    return {"r2": r2, "mae": counts @ np.abs(errors) / total, "rmse": np.sqrt(squares / total)}


def _metrics(
    whole: dict[str, NDArray[np.float64]],
    resampled: dict[str, NDArray[np.float64]],
    spread: NDArray[np.float64],
    table: Any,
) -> dict[str, Any]:
    """Return the metrics over all values."""
    metrics: dict[str, Any] = {}
    sd = np.where(spread > 0, spread, np.nan)
    of_all = [("r2", "r2", np.ones(len(sd))), ("mae_in_sd", "mae", sd), ("rmse_in_sd", "rmse", sd)]
    if len(spread) == 1:
        of_all += [("mae", "mae", np.ones(1)), ("rmse", "rmse", np.ones(1))]
    for name, of, unit in of_all:
        low, high = resampling.ends((resampled[of] / unit).mean(1))
        metrics |= resampling.with_ends(name, float((whole[of][0] / unit).mean()), float(low), float(high))
    of_levels = table[table["part"] == "all"]
    at = of_levels[of_levels["level"] == NOMINAL]
    metrics["interval_coverage"] = float(at["coverage"].mean()) if len(at) else None
    metrics["coverage_error"] = float((of_levels["coverage"] - of_levels["level"]).abs().mean()) if len(at) else None
    return metrics


def _spearman(true: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    """Return Spearman's correlation; NaN where true or predicted values are all equal."""
    from scipy.stats import spearmanr

    if np.ptp(true) == 0 or np.ptp(predicted) == 0:
        return float("nan")
    return float(spearmanr(true, predicted).statistic)


def _within(errors: NDArray[np.float64], widths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of the examples whose errors (N, values) are within the half widths, NaN without a width."""
    return np.where(np.isfinite(widths), (errors <= widths).mean(0), np.nan)
