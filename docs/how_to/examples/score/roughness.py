"""Roughness: how much an explanation jumps from one time step (or row of pixels) to the next."""

from typing import Annotated

import numpy as np
from pydantic import Field

from pellucid.score.base import Metric, ScoreResult, ScoreSpec

SPEC = ScoreSpec(
    title="Roughness",
    family="form",
    about="The mean size of the difference between neighbours along the first axis, as a share of the mean size of the "
    "values: 0 where the explanation is constant. It describes; a rough explanation may be right.",
    paper="none: an example of the documentation",
    metrics={"roughness": Metric("Roughness", better="neither", low=0)},
)


def score(explanation, case, rng, *, lag: Annotated[int, Field(ge=1, description="steps between two neighbours")] = 1):
    """Return one number for each example; NaN where it is not defined."""
    values = explanation.attributions.astype(np.float64)
    rest = tuple(range(1, values.ndim))
    jumps, size = np.abs(values[:, lag:] - values[:, :-lag]).mean(rest), np.abs(values).mean(rest)
    return ScoreResult({"roughness": np.divide(jumps, size, out=np.full(len(size), np.nan), where=size > 0)})
