"""Occlusion sensitivity: how much the class logit drops when a window of the input is covered."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.config.variants import TIME, domain_of
from pellucid.errors import InputError
from pellucid.explain.base import MethodSpec, When
from pellucid.explain.shared import baselines, domains
from pellucid.explain.shared.per_axis import per_axis, sizes_per_axis
from pellucid.network.explained_model import ExplainedModel

_Size = Annotated[int, Field(ge=1, le=1_000_000)]
Sizes = _Size | Annotated[Sequence[_Size], Field(min_length=1, max_length=3)]
Stride = Annotated[
    Sizes,
    Field(
        description="step between windows: one number, or one per axis; at most the window's size (if the window is "
        "auto, a larger stride is reduced to it)"
    ),
]
# The automatic window: 15 samples as in SignalScreen's ECG example, and at most a quarter of an axis.
_SAMPLES, _SHARE = 15, 4
_SHARE_OF_DOMAIN = 32

SPEC = MethodSpec(
    title="Occlusion",
    family="perturbation",
    paper="Zeiler MD, Fergus R. Visualizing and Understanding Convolutional Networks. ECCV (2014), section 4.2",
    unit="drop of the logit",
    per_channel=When("channels", "each"),
    signed=True,
    checks=("coverage",),
)


def explain(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    window: Annotated[
        Sizes | Literal["auto"],
        Field(
            description="size of the window in samples or pixels: one number, or one per axis. auto: 15, or a quarter "
            "of an axis that has fewer than 60; in another domain a 32nd of each axis, or one band"
        ),
    ] = "auto",
    stride: Stride = 1,
    baseline: baselines.Baseline = "zero",
    domain: domains.Domain = "time",
    frame: domains.Frame = "auto",
    bands: domains.Bands = 8,
    channels: Annotated[
        Literal["each", "together"],
        Field(
            description="each: one channel is covered at a time. together: all at once, which gives one map for all "
            "channels"
        ),
    ] = "each",
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return the mean drop of the target's logit over all windows that cover a value: (N, *input_shape).

    Windows start at every multiple of the stride, and one ends at the end of the axis, so that every value is covered.

    Raises:
        InputError: a window larger than the input, a stride larger than the window (values between two windows would
            not be covered), or another number of sizes than the input has axes.
    """
    space = domains.opened(model, inputs.shape[1:], domain=domain, frame=frame, bands=bands)
    covers = windows(space.cells, window, stride, channels, domain)
    filling = space.enter(baselines.baseline(inputs, baseline, rng, measured))
    whole = model.score(inputs, targets)
    return mean_drops(space.model, space.enter(inputs), filling, targets, covers, whole, space.cells).astype(np.float32)


def mean_drops(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    filling: NDArray[np.float32],
    targets: NDArray[np.int64],
    covers: Sequence[tuple[slice, ...]],
    whole: NDArray[np.float32],
    shape: Sequence[int],
) -> NDArray[np.float64]:
    """Return the mean drop of the target's logit over all windows that cover a value: (N, *shape).

    Args:
        model: takes the inputs.
        inputs, filling: (N, *input_shape); what a window covers gets the values of the filling.
        targets: (N,).
        covers: the windows (`windows`), all of one size.
        whole: (N,), the logits of the whole inputs.
        shape: of what the windows cover: an example, or its cells in another domain.
    """
    scores = model.covered_scores(
        inputs,
        filling,
        targets,
        np.array([[along.start for along in cover[:-1]] for cover in covers]),
        [along.stop - along.start for along in covers[0][:-1]],
        np.array([-1 if cover[-1].start is None else cover[-1].start for cover in covers]),
    )
    total = np.zeros((len(inputs), *shape), np.float64)
    count = np.zeros(shape, np.int64)
    for drop, cover in zip(whole - scores, covers, strict=True):
        total[(slice(None), *cover)] += drop.reshape(-1, *(1,) * len(shape))
        count[cover] += 1
    return total / count


def check(*, window: int | str | Sequence[int], stride: int | Sequence[int], **others: object) -> None:
    """Refuse a stride larger than the window: values between two windows would get no attribution.

    Raises:
        InputError: the stride is larger.
    """
    if isinstance(window, str):
        # The automatic window may be smaller: then the stride is reduced to it.
        window = _SAMPLES
    sizes, steps = ([value] if isinstance(value, int) else list(value) for value in (window, stride))
    # A single number holds for every axis.
    axes = max(len(sizes), len(steps))
    for size, step in zip(sizes * (axes // len(sizes)), steps * (axes // len(steps)), strict=False):
        if step > size:
            raise InputError.unexpected(
                "occlusion.stride", f"{step}", f"at most {size}, the window's size, so that there are no gaps"
            )


def fits(
    axes: Sequence[int],
    *,
    window: int | str | Sequence[int],
    stride: int | Sequence[int],
    **others: Any,
) -> None:
    """Refuse windows larger than an example with these axes.

    Raises:
        InputError: a window is larger, or there is another number of sizes than axes.
    """
    windows((*domains.cell_axes(axes, others), 1), window, stride, "together", domain_of(others))


def windows(
    shape: Sequence[int],
    window: int | str | Sequence[int],
    stride: int | Sequence[int],
    channels: str,
    domain: str = TIME,
) -> list[tuple[slice, ...]]:
    """Return the windows of an example of `shape` (*axes, channels), as slices.

    Raises:
        InputError: see `explain`.
    """
    check(window=window, stride=stride)
    axes = shape[:-1]
    strides = per_axis(stride, axes, "occlusion.stride")
    if isinstance(window, str):
        sizes = automatic(axes, domain)
        strides = [min(pair) for pair in zip(strides, sizes, strict=True)]
    else:
        sizes = sizes_per_axis(window, axes, "occlusion.window")
    along = [
        [slice(start, start + size) for start in starts(length, size, step)]
        for length, size, step in zip(axes, sizes, strides, strict=True)
    ]
    across = [slice(None)] if channels == "together" else [slice(index, index + 1) for index in range(shape[-1])]
    return list(itertools.product(*along, across))


def automatic(axes: Sequence[int], domain: str = TIME) -> list[int]:
    """Return the automatic window's size along each axis of a map, which never exceeds the axis."""
    if domain != TIME:
        # Frequencies differ more from their neighbours than samples do.
        return [1 if domain == "bands" else max(1, round(length / _SHARE_OF_DOMAIN)) for length in axes]
    return [min(_SAMPLES, max(1, round(length / _SHARE))) for length in axes]


def starts(length: int, size: int, stride: int) -> list[int]:
    """Return the starts of the windows: every multiple of the stride, and the last possible start."""
    last = length - size
    multiples = list(range(0, last + 1, stride))
    return multiples if multiples[-1] == last else [*multiples, last]
