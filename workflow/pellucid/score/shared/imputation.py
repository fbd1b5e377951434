"""Noisy linear imputation: removed values become weighted means of their neighbours, which are imputed as well."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from pellucid.score.base import ScoreContext
from pellucid.score.shared.fills import Fill, fills
from pellucid.score.shared.ranges import ranges
from pellucid.seeds import per_example

# The weights of the neighbours of a pixel: the four beside it, and the four at its corners.
_BESIDE, _CORNER = 1 / 6, 1 / 12
_OFFSETS = [(down, across) for down, across in product((-1, 0, 1), repeat=2) if (down, across) != (0, 0)]


def noisy_linear(case: ScoreContext, noise: float, rng: np.random.Generator) -> Fill:
    """Return the fill that solves for all removed values at once and adds noise to them.

    Each removed value is the weighted mean of its neighbours. For a pixel these are the four beside it (1/6 each) and
    the four at its corners (1/12 each). For a sample of a series they are the samples before and after it, so the
    solution is a straight line. At an edge only the neighbours inside count. Values that were not measured are no
    neighbours. Removed values without a path to a kept value get the mean of their channel.

    Args:
        case: inputs, and where they were measured.
        noise: standard deviation of the Gaussian noise, as a share of the range of the channel in the example.
        rng: for the noise; a pattern for each example, the same for all explanations and all removed sets.

    Source: Rong Y et al. A Consistent and Efficient Evaluation Strategy for Attribution Methods. ICML (2022), noisy
    linear imputation.
    """
    inputs, image = case.inputs, case.inputs.ndim > 3
    patterns = np.stack([stream.standard_normal(inputs.shape[1:], np.float32) for stream in per_example(inputs, rng)])
    known = {} if case.measured is None else {"measured": case.measured}
    moved = np.float32(noise) * ranges(inputs, **known) * patterns
    lines = None if image else fills(case, ["linear"], rng)["linear"]

    def fill(part: slice, removed: NDArray[np.bool_]) -> NDArray[np.float32]:
        if case.measured is not None:
            removed = removed & case.measured[part]
        imputed = lines(part, removed) if lines else _images(inputs[part], removed, known, part)
        return np.where(removed, imputed + moved[part], inputs[part])

    return fill


def _images(
    images: NDArray[np.float32], removed: NDArray[np.bool_], known: dict[str, NDArray[np.bool_]], part: slice
) -> NDArray[np.float32]:
    """Return copies of images (N, height, width, channels) with their removed pixels imputed: (K, N, …)."""
    copies = np.broadcast_to(images, (len(removed), *images.shape)).copy()
    together = removed.shape[-1] == 1
    for copy, number in np.ndindex(copies.shape[:2]):
        inside = None if not known else known["measured"][part][number]
        for channels in [slice(None)] if together else [slice(at, at + 1) for at in range(images.shape[-1])]:
            gone = removed[copy, number, ..., 0 if together else channels.start]
            kept = ~gone if inside is None else ~gone & inside[..., channels].any(-1)
            copies[copy, number, ..., channels] = imputed(images[number, ..., channels], gone, kept)
    return copies


def imputed(image: NDArray[np.float32], gone: NDArray[np.bool_], kept: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return an image (height, width, channels) with the removed pixels imputed, without noise.

    Args:
        image: the image.
        gone, kept: (height, width), the pixels that are removed, and those from which they are imputed.
    """
    from scipy.sparse import coo_array, csc_array
    from scipy.sparse.csgraph import connected_components
    from scipy.sparse.linalg import splu

    count, filled = int(gone.sum()), image.copy()
    if not count:
        return filled
    flat = image.reshape(-1, image.shape[-1]).astype(np.float64)
    place = np.full(gone.shape, -1)
    place[gone] = np.arange(count)
    right, diagonal, entries = np.zeros((count, flat.shape[1])), np.zeros(count), []
    rows, columns = np.nonzero(gone)
    for down, across in _OFFSETS:
        weight = _CORNER if down and across else _BESIDE
        inside = (rows + down >= 0) & (rows + down < gone.shape[0])
        inside &= (columns + across >= 0) & (columns + across < gone.shape[1])
        unknown, at = np.flatnonzero(inside), (rows[inside] + down, columns[inside] + across)
        has_value, is_gone = kept[at], gone[at]
        right[unknown[has_value]] += weight * flat[np.ravel_multi_index(at, gone.shape)[has_value]]
        diagonal[unknown[has_value | is_gone]] += weight
        entries.append((unknown[is_gone], place[at][is_gone], np.full(int(is_gone.sum()), -weight)))
    first, second, values = (np.concatenate(parts) for parts in zip(*entries, strict=True))
    system = csc_array(coo_array((values, (first, second)), shape=(count, count)))
    # A group of removed pixels without any kept neighbour has no solution, but any constant.
    groups, of_group = connected_components(system, directed=False)
    anchored = np.bincount(of_group, diagonal + np.asarray(system.sum(1)).ravel(), groups) > 1e-9
    loose = ~anchored[of_group]
    diagonal[loose] += 1
    right[loose] += flat[kept.ravel() if kept.any() else gone.ravel()].mean(0)
    system = csc_array(system + coo_array((diagonal, (np.arange(count),) * 2), shape=(count, count)))
    # The system is symmetric and diagonally dominant: this order of elimination is several times as fast.
    solver = splu(system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    filled[gone] = solver.solve(right)
    return filled
