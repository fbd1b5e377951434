"""The background: rows drawn from the training examples, over which attributions are averaged."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.network.explained_model import ExplainedModel
from pellucid.targets import along_outputs

Background = Annotated[
    int,
    Field(
        ge=1,
        le=100_000,
        description="number of training examples drawn as background, each once; if there are fewer, all of them",
    ),
]


def drawn(training: NDArray[np.float32], background: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return `background` different rows of the training examples, in their order; all rows if there are fewer.

    Args:
        training: (M, *input_shape), possibly mapped from a file, of which only the drawn rows are read.
        background: number of rows.
        rng: draws the rows.

    Returns:
        (B, *input_shape), a copy.
    """
    rows = np.arange(len(training))
    if background < len(rows):
        rows = np.sort(rng.choice(len(rows), background, replace=False))
    return np.array(training[rows], np.float32)


def mean_logit(model: ExplainedModel, rows: NDArray[np.float32], targets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean over the background of the score of each target: (N,)."""
    return along_outputs(model.scores(rows).mean(0, dtype=np.float64), targets)


def expected(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    training: NDArray[np.float32],
    background: int,
    **unused: Any,
) -> NDArray[np.float64]:
    """Return the mean logit of each target over the background that `explain` draws with the same generator: (N,)."""
    return mean_logit(model, drawn(training, background, rng), targets)
