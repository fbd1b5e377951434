"""Gradient SHAP (expected gradients): gradients averaged over random points between a background and the input."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.batching import blocks
from pellucid.explain.base import MethodSpec
from pellucid.explain.shared import backgrounds
from pellucid.network.explained_model import ExplainedModel

SPEC = MethodSpec(
    title="Gradient SHAP",
    family="Shapley",
    paper="Erion G, Janizek JD, Sturmfels P, Lundberg SM, Lee SI. Improving performance of deep learning models with "
    "axiomatic attribution priors and expected gradients. Nature Machine Intelligence 3 (2021), equation 3; points "
    "drawn in strata of rows and of positions",
    unit="share of the logit",
    per_channel=True,
    signed=True,
    checks=("coverage", "completeness"),
    needs_training=True,
)


def explain(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    training: NDArray[np.float32],
    background: backgrounds.Background = 50,
    samples: Annotated[
        int,
        Field(
            ge=1,
            le=1_000_000,
            description="number of points at which the gradient is taken, spread evenly over the rows of the "
            "background. More points bring the sum closer to the change of the logit",
        ),
    ] = 200,
) -> NDArray[np.float32]:
    """Return the mean of (input - row) × gradient at random points between row and input: (N, *input_shape).

    All inputs get the same background rows and the same positions between row and input, so that a map does not depend
    on the other inputs.

    Args:
        model: the trained model.
        inputs: (N, *input_shape).
        targets: (N,).
        rng: draws the background, then the points.
        training: (M, *input_shape), the examples from which the background is drawn.
        background: number of rows to draw.
        samples: points per input.
    """
    rows = backgrounds.drawn(training, background, rng)
    row, alpha, weight = points(len(rows), samples, rng)
    alpha = alpha.reshape(-1, *(1,) * inputs.ndim)
    total = np.zeros(inputs.shape, np.float64)
    for part, some in blocks(len(inputs), samples, model.batch_size(backward=True)):
        start = rows[row[some], np.newaxis]
        difference = inputs[part] - start
        between = start + alpha[some] * difference
        classes = np.tile(targets[part], len(between))
        gradient = model.gradient(between.reshape(-1, *inputs.shape[1:]), classes).reshape(between.shape)
        total[part] += np.tensordot(weight[some], gradient * difference, axes=1)
    return total.astype(np.float32)


# The logits from which the attributions count the change.
expected = backgrounds.expected


def points(
    rows: int, samples: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float64]]:
    """Return the points at which the gradient is taken: background row, position and weight of each, all (S,).

    The position goes from the row (0) to the input (1). Every row gets the same number of points, or one more, and the
    way from row to input is divided into as many equal intervals (strata), one for each of its points. The points of
    different rows in the same interval lie in different sub-intervals of it. Each point is uniform in its sub-interval,
    so that the expectation is that of independent draws, with less variance.
    """
    counted = np.full(min(rows, samples), samples // rows)
    counted[: samples - counted.sum()] += 1
    # With fewer points than rows, and for the points left over, the rows are drawn at random.
    order = rng.permutation(rows)[: len(counted)]
    row, alpha, weight = [], [], []
    for turn in range(counted.max()):
        having = np.flatnonzero(counted > turn)
        piece = (rng.permutation(len(having)) + rng.random(len(having))) / len(having)
        row.append(order[having])
        alpha.append((turn + piece) / counted[having])
        weight.append(1 / (len(counted) * counted[having]))
    return np.concatenate(row), np.concatenate(alpha).astype(np.float32), np.concatenate(weight)
