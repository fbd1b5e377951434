"""Occlusion sensitivity: how much the class logit drops when a window of the input is covered."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.errors import InputError
from pellucid.explain.base import MethodSpec
from pellucid.explain.shared import baselines
from pellucid.network.explained_model import ExplainedModel

_Size = Annotated[int, Field(ge=1, le=1_000_000)]
_Sizes = _Size | Annotated[Sequence[_Size], Field(min_length=1, max_length=3)]
# Of a window that nobody chose: as in the ECG article, and at most a quarter of an axis.
_SAMPLES, _SHARE = 15, 4

SPEC = MethodSpec(
    title="Occlusion",
    family="perturbation",
    paper="Zeiler MD, Fergus R. Visualizing and Understanding Convolutional Networks. ECCV (2014), section 4.2",
    unit="drop of the logit",
    per_channel="channels=each",
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
        _Sizes | Literal["auto"],
        Field(
            description="size in samples or pixels: one number, or one per axis; auto: 15, or a quarter of an axis "
            "of fewer than 60"
        ),
    ] = "auto",
    stride: Annotated[
        _Sizes,
        Field(
            description="step between windows, at most the window (and cut to a window that is auto): one number, or "
            "one per axis"
        ),
    ] = 1,
    baseline: baselines.Baseline = "zero",
    channels: Annotated[
        Literal["each", "together"],
        Field(description="cover one channel at a time, or all at once (one map, repeated for every channel)"),
    ] = "each",
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Mean drop of the target's logit over all windows that cover a value: (N, *input_shape).

    Windows start at every multiple of the stride, and once more flush with the end, so that no value is left out.

    Raises:
        InputError: a window larger than the input, a stride larger than the window (values between two windows would
            get none), or a number of sizes that is not the input's number of axes.
    """
    covers = windows(inputs.shape[1:], window, stride, channels)
    axes = inputs.ndim - 2
    scores = model.covered_scores(
        inputs,
        baselines.baseline(inputs, baseline, rng, measured),
        targets,
        np.array([[along.start for along in cover[:-1]] for cover in covers]),
        [along.stop - along.start for along in covers[0][:-1]],
        np.array([-1 if cover[-1].start is None else cover[-1].start for cover in covers]),
    )
    drops = model.score(inputs, targets) - scores
    total = np.zeros(inputs.shape, np.float64)
    count = np.zeros(inputs.shape[1:], np.int64)
    for drop, cover in zip(drops, covers, strict=True):
        total[(slice(None), *cover)] += drop.reshape(-1, *(1,) * (axes + 1))
        count[cover] += 1
    return (total / count).astype(np.float32)


def check(*, window: int | str | Sequence[int], stride: int | Sequence[int], **others: object) -> None:
    """Refuse a stride larger than the window: values between two windows would get no attribution.

    Raises:
        InputError: as said.
    """
    if isinstance(window, str):
        # It is known once the input is: smaller ones take a smaller step.
        window = _SAMPLES
    sizes, steps = ([given] if isinstance(given, int) else list(given) for given in (window, stride))
    # One number stands for every axis.
    axes = max(len(sizes), len(steps))
    for size, step in zip(sizes * (axes // len(sizes)), steps * (axes // len(steps)), strict=False):
        if step > size:
            raise InputError.unexpected(
                "occlusion.stride", f"{step}, more than the window's {size}", "windows without gaps"
            )


def fits(
    axes: Sequence[int],
    *,
    window: int | str | Sequence[int],
    stride: int | Sequence[int],
    **others: object,
) -> None:
    """Refuse windows larger than an example of these axes.

    Raises:
        InputError: as said, or sizes that are not one for each axis.
    """
    windows((*axes, 1), window, stride, "together")


def windows(
    shape: Sequence[int], window: int | str | Sequence[int], stride: int | Sequence[int], channels: str
) -> list[tuple[slice, ...]]:
    """The parts of an example of `shape` (*axes, channels) that are covered one after the other.

    Raises:
        InputError: see `explain`.
    """
    check(window=window, stride=stride)
    axes = shape[:-1]
    strides = _per_axis(stride, axes, "stride")
    if isinstance(window, str):
        sizes = automatic(axes)
        strides = [min(pair) for pair in zip(strides, sizes, strict=True)]
    else:
        sizes = _per_axis(window, axes, "window")
    for axis, (size, length) in enumerate(zip(sizes, axes, strict=True)):
        if size > length:
            raise InputError.unexpected("occlusion.window", f"{size} on axis {axis}", f"at most the input's {length}")
    along = [
        [slice(start, start + size) for start in starts(length, size, step)]
        for length, size, step in zip(axes, sizes, strides, strict=True)
    ]
    across = [slice(None)] if channels == "together" else [slice(index, index + 1) for index in range(shape[-1])]
    return list(itertools.product(*along, across))


def automatic(axes: Sequence[int]) -> list[int]:
    """Sizes of a window for examples of these axes, that always fit."""
    return [min(_SAMPLES, max(1, round(length / _SHARE))) for length in axes]


def starts(length: int, size: int, stride: int) -> list[int]:
    """Where windows begin: at every multiple of the stride, and flush with the end."""
    last = length - size
    found = list(range(0, last + 1, stride))
    return found if found[-1] == last else [*found, last]


def _per_axis(given: int | Sequence[int], axes: Sequence[int], name: str) -> list[int]:
    sizes = [given] * len(axes) if isinstance(given, int) else list(given)
    if len(sizes) != len(axes):
        raise InputError.unexpected(
            f"occlusion.{name}", f"{len(sizes)} numbers", f"one, or one for each of {len(axes)} axes"
        )
    return sizes
