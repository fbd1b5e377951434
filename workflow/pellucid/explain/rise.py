"""RISE: the mean logit of randomly masked inputs, weighted at each value by the masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.batching import block_size, blocks
from pellucid.config.variants import domain_of
from pellucid.errors import InputError
from pellucid.explain.base import MethodSpec, When
from pellucid.explain.shared import baselines, domains
from pellucid.explain.shared.per_axis import sizes_per_axis
from pellucid.explain.shared.segments import parts
from pellucid.explain.shared.upsampling import upsample
from pellucid.network.explained_model import ExplainedModel

SPEC = MethodSpec(
    title="RISE",
    family="perturbation",
    paper="Petsiuk V, Das A, Saenko K. RISE: Randomized Input Sampling for Explanation of Black-box Models. BMVC "
    "(2018), equation 6 and section 3.2",
    unit="logit where the value is seen",
    per_channel=When("channels", "each"),
    signed=True,
    checks=("coverage",),
    of_numbers=False,
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
            description="number of random masks. The error falls with the square root of this number (the paper takes "
            "4000 to 8000)",
        ),
    ] = 1000,
    cells: Annotated[
        Annotated[int, Field(ge=1, le=10_000)]
        | Annotated[Sequence[Annotated[int, Field(ge=1, le=10_000)]], Field(min_length=1, max_length=3)]
        | Literal["auto"],
        Field(
            description="cells of the coarse masks: one number, or one per axis. auto: 7 along each side of an image "
            "(as in the paper), one for each 15 samples of a series, none narrower than two values; in the domain "
            "bands, one for each band"
        ),
    ] = "auto",
    keep: Annotated[float, Field(gt=0, lt=1, description="probability that a cell is kept")] = 0.5,
    baseline: baselines.Baseline = "zero",
    domain: domains.Domain = "time",
    frame: domains.Frame = "auto",
    bands: domains.Bands = 8,
    channels: Annotated[
        Literal["each", "together"],
        Field(description="together: one mask for all channels. each: a mask for each channel"),
    ] = "together",
    centred: Annotated[
        bool,
        Field(
            description="true: subtract the mean logit of the masked inputs. The values then lie above or below it, "
            "and are much steadier. false: the paper's equation unchanged"
        ),
    ] = True,
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return the mean logit of the masked inputs, each weighted by its mask's value: (N, *input_shape).

    The sum of logit × mask is divided by the number of masks times the masks' expectation, which is `keep` everywhere
    (equation 6). All inputs get the same masks, which blend the input with the baseline.

    Centring subtracts the mean logit: in expectation it changes all values by the same amount. The constant part of a
    logit, times the uneven coverage by a finite number of masks, is most of the noise of equation 6.

    Raises:
        InputError: more cells than values along an axis, or another number of sizes than the input has axes.
    """
    space = domains.opened(model, inputs.shape[1:], domain=domain, frame=frame, bands=bands)
    axes, depth = space.cells[:-1], inputs.shape[-1] if channels == "each" else 1
    sides = _sides(cells, axes, domain)
    filling = space.enter(baselines.baseline(inputs, baseline, rng, measured))
    values = space.enter(inputs)
    grids = rng.random((masks, *sides, depth)) < keep
    shifts = np.stack([rng.integers(_width(*pair), size=masks) for pair in zip(axes, sides, strict=True)], axis=1)
    weighted, logits = np.zeros((len(inputs), *axes, depth)), np.zeros(len(inputs))
    coverage = np.zeros((*axes, depth))
    for part, some in blocks(len(inputs), masks, block_size(model.batch_size(), space.shape)):
        x, fill = values[part], filling[part]
        # Bands have no neighbours to blend with.
        seen = grids[some].astype(np.float32) if domain == "bands" else smooth(grids[some], shifts[some], axes)
        mixed = space.spread(seen)[:, np.newaxis] * (x - fill)
        mixed += fill
        classes = np.tile(targets[part], len(mixed))
        # Sums are taken in float64, since centring subtracts large numbers with a small difference.
        scores = space.model.score(mixed.reshape(-1, *x.shape[1:]), classes).reshape(mixed.shape[:2]).astype(np.float64)
        weighted[part] += np.tensordot(scores, seen.astype(np.float64), axes=(0, 0))
        logits[part] += scores.sum(0)
        if part.start == 0:
            coverage += seen.sum(0, dtype=np.float64)
    if centred:
        weighted -= (logits / masks).reshape(-1, *(1,) * coverage.ndim) * coverage
    return np.broadcast_to(weighted / (masks * keep), (len(inputs), *space.cells)).astype(np.float32)


def fits(axes: Sequence[int], *, cells: int | str | Sequence[int], **others: Any) -> None:
    """Refuse more cells along an axis than an example with these axes has values.

    Raises:
        InputError: there are more cells, or another number of sizes than axes.
    """
    _sides(cells, domains.cell_axes(axes, others), domain_of(others))


def smooth(grids: NDArray[np.bool_], shifts: NDArray[np.int64], axes: Sequence[int]) -> NDArray[np.float32]:
    """Return coarse masks upsampled to the size of the input by linear interpolation, each with its own shift.

    A grid of h cells is upsampled to h + 1 times the width of a cell, so that a window of the input's length fits at
    every shift of less than a cell (section 3.2).

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
        last = np.moveaxis(masks, axis + 1, -1)
        whole = last.reshape(len(last), -1, side) @ weights
        cut = np.stack([one[:, shift : shift + length] for one, shift in zip(whole, shifts[:, axis], strict=True)])
        masks = np.moveaxis(cut.reshape(*last.shape[:-1], length), -1, axis + 1)
    return masks


def _width(length: int, side: int) -> int:
    """Return the width of a cell in values, rounded up so that the cells cover the axis."""
    return -(-length // side)


def _sides(cells: int | str | Sequence[int], axes: Sequence[int], domain: str) -> Sequence[int]:
    """Return the number of cells along each axis of a map; a band is a cell of its own.

    Raises:
        InputError: see `fits`.
    """
    if domain == "bands":
        if cells != "auto":
            raise InputError.unexpected("rise.cells", f"{cells} in domain bands", "auto: each band is a cell")
        return list(axes)
    return parts(axes) if isinstance(cells, str) else sizes_per_axis(cells, axes, "rise.cells")
