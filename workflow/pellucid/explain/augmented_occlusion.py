"""Augmented occlusion: how much the class logit drops when a window is replaced by that of real training examples."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.explain.base import MethodSpec, When
from pellucid.explain.occlusion import Sizes, Stride, check, fits, mean_drops, windows
from pellucid.explain.shared import backgrounds
from pellucid.network.explained_model import ExplainedModel

__all__ = ["SPEC", "check", "explain", "fits"]

SPEC = MethodSpec(
    title="Augmented occlusion",
    family="perturbation",
    paper="Tonekaboni S, Joshi S, Campbell K, Duvenaud D, Goldenberg A. What went wrong and when? Instance-wise "
    "feature importance for time-series black-box models. NeurIPS (2020), augmented feature occlusion; here of "
    "windows, and with the sign of the drop",
    unit="drop of the logit",
    per_channel=When("channels", "each"),
    signed=True,
    checks=("coverage",),
    needs_training=True,
)


def explain(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    training: NDArray[np.float32],
    background: backgrounds.Background = 10,
    window: Annotated[
        Sizes | Literal["auto"],
        Field(
            description="size of the window in samples or pixels: one number, or one per axis. auto: 15, or a quarter "
            "of an axis that has fewer than 60"
        ),
    ] = "auto",
    stride: Stride = 1,
    channels: Annotated[
        Literal["each", "together"],
        Field(
            description="each: one channel is replaced at a time. together: all at once, which gives one map for all "
            "channels"
        ),
    ] = "each",
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return the mean drop of the target's logit over all windows that cover a value: (N, *input_shape).

    A window gets the values that a training example has in the same place, so the altered input looks like the data.
    The drop is the mean over the drawn training examples, which are the same for all inputs.

    Args:
        model: the trained model.
        inputs: (N, *input_shape).
        targets: (N,).
        rng: draws the background.
        training: (M, *input_shape), the examples from which the background is drawn.
        background: number of rows to draw; each takes as many passes as occlusion.
        window, stride, channels: as for occlusion.
        measured: of the inputs' shape; values that were not measured stay. None if all were.

    Raises:
        InputError: the windows do not fit the inputs (`occlusion.windows`).
    """
    covers = windows(inputs.shape[1:], window, stride, channels)
    total, whole = np.zeros(inputs.shape, np.float64), model.score(inputs, targets)
    rows = backgrounds.drawn(training, background, rng)
    for row in rows:
        filling = np.broadcast_to(row, inputs.shape)
        filling = filling if measured is None else np.where(measured, filling, inputs)
        total += mean_drops(model, inputs, filling, targets, covers, whole, inputs.shape[1:])
    return (total / len(rows)).astype(np.float32)
