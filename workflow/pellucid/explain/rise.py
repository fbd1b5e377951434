"""RISE: the mean logit of randomly masked inputs, over the masks that let a value through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.batching import blocks
from pellucid.errors import InputError
from pellucid.explain.base import MethodSpec
from pellucid.explain.shared import baselines
from pellucid.explain.shared.blending import block_size
from pellucid.explain.shared.segments import parts
from pellucid.explain.shared.upsampling import upsample
from pellucid.network.explained_model import ExplainedModel

SPEC = MethodSpec(
    title="RISE",
    family="perturbation",
    paper="Petsiuk V, Das A, Saenko K. RISE: Randomized Input Sampling for Explanation of Black-box Models. BMVC "
    "(2018), equation 6 and section 3.2",
    unit="logit where the value is seen",
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
    masks: Annotated[
        int,
        Field(
            ge=2,
            le=1_000_000,
            description="random masks; the error falls with their square root (the paper takes 4000 to 8000)",
        ),
    ] = 1000,
    cells: Annotated[
        Annotated[int, Field(ge=1, le=10_000)]
        | Annotated[Sequence[Annotated[int, Field(ge=1, le=10_000)]], Field(min_length=1, max_length=3)]
        | Literal["auto"],
        Field(
            description="cells of the coarse masks: one number, or one per axis; auto: 7 along each side of an image "
            "(as in the paper), one for each 15 samples of a series, none narrower than two values"
        ),
    ] = "auto",
    keep: Annotated[float, Field(gt=0, lt=1, description="probability that a cell is kept")] = 0.5,
    baseline: baselines.Baseline = "zero",
    channels: Annotated[
        Literal["each", "together"],
        Field(description="masks through all channels (one map, repeated for each), or of each channel for itself"),
    ] = "together",
    centred: Annotated[
        bool,
        Field(
            description="take the mean logit of the masked inputs away: values are then above or below it, and much "
            "steadier; false is the paper's equation as it stands"
        ),
    ] = True,
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Mean logit of the masked inputs, each weighted by its mask's value there: (N, *input_shape).

    The sum of logit × mask is divided by the number of masks times the masks' expectation, which is `keep` everywhere
    (equation 6). All inputs meet the same masks. Masks blend the input with the baseline.

    Centring changes every value by the same amount but for chance: a logit has no zero of its own, and its constant
    part times the uneven coverage by a finite number of masks is most of the noise of equation 6.

    Raises:
        InputError: more cells than values along an axis, or a number of sizes that is not the input's number of axes.
    """
    axes, depth = inputs.shape[1:-1], inputs.shape[-1] if channels == "each" else 1
    sides = _sides(cells, axes)
    filling = baselines.baseline(inputs, baseline, rng, measured)
    grids = rng.random((masks, *sides, depth)) < keep
    shifts = np.stack([rng.integers(_width(*pair), size=masks) for pair in zip(axes, sides, strict=True)], axis=1)
    weighted, logits = np.zeros((len(inputs), *axes, depth)), np.zeros(len(inputs))
    coverage = np.zeros((*axes, depth))
    for part, some in blocks(len(inputs), masks, block_size(model)):
        x, fill = inputs[part], filling[part]
        seen = smooth(grids[some], shifts[some], axes)
        mixed = seen[:, np.newaxis] * (x - fill)
        mixed += fill
        classes = np.tile(targets[part], len(mixed))
        # Sums are taken in float64: what remains after centring is the small difference of large ones.
        scores = model.score(mixed.reshape(-1, *x.shape[1:]), classes).reshape(mixed.shape[:2]).astype(np.float64)
        weighted[part] += np.tensordot(scores, seen.astype(np.float64), axes=(0, 0))
        logits[part] += scores.sum(0)
        if part.start == 0:
            coverage += seen.sum(0, dtype=np.float64)
    if centred:
        weighted -= (logits / masks).reshape(-1, *(1,) * coverage.ndim) * coverage
    return np.broadcast_to(weighted / (masks * keep), inputs.shape).astype(np.float32)


def fits(axes: Sequence[int], *, cells: int | str | Sequence[int], **others: object) -> None:
    """Refuse more cells than an example of these axes has values.

    Raises:
        InputError: as said, or sizes that are not one for each axis.
    """
    _sides(cells, axes)


def smooth(grids: NDArray[np.bool_], shifts: NDArray[np.int64], axes: Sequence[int]) -> NDArray[np.float32]:
    """Coarse masks brought to the size of the input by linear interpolation, each cut out with a shift of its own.

    A grid of h cells is interpolated to h + 1 times the width of a cell, so that a cut of the input's length fits in
    at every shift of less than a cell (section 3.2).

    Args:
        grids: (K, *cells, channels).
        shifts: (K, number of axes), from 0 to below the width of a cell.
        axes: sizes of the input.

    Returns:
        (K, *axes, channels), from 0 to 1.
    """
    masks = grids.astype(np.float32)
    for axis, (length, side) in enumerate(zip(axes, grids.shape[1:-1], strict=True)):
        width = _width(length, side)
        weights = upsample(np.eye(side, dtype=np.float32), ((side + 1) * width,))
        # (shifts, cells, length): the same interpolation, cut out at every shift.
        cuts = np.stack([weights[:, shift : shift + length] for shift in range(width)])
        last = np.moveaxis(masks, axis + 1, -1)
        cut = last.reshape(len(last), -1, side) @ cuts[shifts[:, axis]]
        masks = np.moveaxis(cut.reshape(*last.shape[:-1], length), -1, axis + 1)
    return masks


def _width(length: int, side: int) -> int:
    """Of a cell, in values; rounded up so that the cells cover the axis."""
    return -(-length // side)


def _sides(cells: int | str | Sequence[int], axes: Sequence[int]) -> tuple[int, ...]:
    if isinstance(cells, str):
        return parts(axes)
    sides = [cells] * len(axes) if isinstance(cells, int) else list(cells)
    if len(sides) != len(axes):
        raise InputError.unexpected("rise.cells", f"{len(sides)} numbers", f"one, or one for each of {len(axes)} axes")
    for axis, (side, length) in enumerate(zip(sides, axes, strict=True)):
        if side > length:
            raise InputError.unexpected("rise.cells", f"{side} on axis {axis}", f"at most the input's {length}")
    return tuple(sides)
