"""IROF: the area over the curve of the class's probability while segments are removed, the most important first."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from pellucid.score.base import Curve, Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared import contrasts, fills, units
from pellucid.score.shared.areas import area_under
from pellucid.score.shared.removal import RankedRemoval
from pellucid.tasks import MULTI_LABEL, SINGLE_LABEL

SPEC = ScoreSpec(
    title="IROF (iterative removal of features)",
    family="faithfulness",
    about="Segments (superpixels of an image, windows of a series) are replaced by a baseline one after the other, "
    "those with the highest mean attribution first. The curve is the probability, as a share of the probability of "
    "the whole input, over the share of removed segments. The metric is the area over this curve: 1 if the class is "
    "lost at once, 0 if nothing is lost (a rise counts as no loss). If the curve falls for any order, the area is "
    "large for all explanations, so compare with the controls. A contrast has no probability, and neither has a value "
    "of a regression: the metric is not defined for them.",
    paper="Rieger L, Hansen LK. IROF: A Low Resource Evaluation Metric for Explanation Methods. AI for Affordable "
    "Healthcare workshop, ICLR (2020), section 2; this project's own: the area over shares of the segments instead of "
    "their number, and no credit for a rise",
    metrics={"irof": Metric("IROF", "higher", 0, 1)},
    needs_model=True,
    needs_training=True,
    tasks=(SINGLE_LABEL, MULTI_LABEL),
    of_numbers=False,
)


def score(
    explanation: Explanation,
    case: ScoreContext,
    rng: np.random.Generator,
    *,
    unit: Annotated[
        Literal["auto", "window", "superpixel"],
        Field(description="the segments; auto: superpixels of an image, windows of a series"),
    ] = "auto",
    window: units.Window = "auto",
    channels: units.Channels = "together",
    baselines: fills.Baselines = ("mean",),
) -> ScoreResult:
    """Return the area for each baseline; NaN for a contrast, and for a probability of 0.

    Raises:
        InputError: see `units.units` and `fills.fills`.
    """
    options = {"unit": _meant(unit, case.inputs.ndim - 2), "window": window, "channels": channels}
    removal = RankedRemoval.of(explanation, case, rng, baselines, mean=True, **options)
    x = np.arange(int(removal.n_units.max()) + 1)
    removed = np.minimum(x[:, np.newaxis], removal.n_units) + np.zeros(len(case.inputs), np.int64)
    contrast = contrasts.are_contrasts(case.targets)
    values, curves = {}, {}
    for name, fill in removal.fills.items():
        left = removal.scores(fill, removed, "probability", strongest=True).T
        whole = left[:, :1]
        share = np.minimum(left / np.where(whole > 0, whole, 1), 1)
        share[contrast | (whole[:, 0] <= 0)] = np.nan
        values[f"irof.{name}"] = 1 - area_under(share, (removed / removal.n_units).T)
        curves[f"removed.{name}"] = Curve(x.astype(np.float64), share, "segments removed", "share of the probability")
    return ScoreResult(values, curves, contrasts.note(case.targets))


def fits(axes: tuple[int, ...], *, unit: str, window: int | str, **others: object) -> None:
    """Refuse a window that examples with these axes are too small for, and superpixels of a series.

    Raises:
        InputError: see `units.fits`.
    """
    units.fits(axes, unit=_meant(unit, len(axes)), window=window)


def _meant(unit: str, axes: int) -> str:
    """Return the unit that auto stands for with so many axes."""
    return ("superpixel" if axes == 2 else "window") if unit == "auto" else unit
