"""Handwritten digits with a small planted patch: the patch determines the class, the digit does not.

Every example is one digit of scikit-learn's set, enlarged, with a patch of 3 × 3 pixels drawn over it at a random
place. The four classes are the four directions of a line through the middle of the patch. The digit is a decoy: an
explanation that marks its strokes shows what is conspicuous, not what the network uses.

Modelling assumptions:

- Class, place and digit are drawn independently: neither the digit nor the place says anything about the class.
- The evidence is all nine pixels of the patch: the pixels beside the line tell its direction as well as the line does.
  The masks of all classes therefore have one shape, and removed evidence leaves the same hole for each class.
- The patches of all classes hold the same nine values in another order: neither the sum of an image nor the number of
  its dark pixels tells the class.
- The line has less ink than the darkest strokes, and the rest of the patch has more ink than paper. So the patch does
  not stand out by its values: a map of the ink itself points at the digit.
- Strokes of a digit are lines too, but wider than a pixel after enlargement; at size 8 they resemble the patch's line.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.datasets import digits
from pellucid.datasets.base import Examples, RawData, SourceSpec

PATCH = 3  # pixels along each side
DIGITS = 1797  # in scikit-learn's set

# The pixels of each class's line.
LINES: Mapping[str, NDArray[np.bool_]] = {
    "horizontal": np.array([[0, 0, 0], [1, 1, 1], [0, 0, 0]], np.bool_),
    "vertical": np.array([[0, 1, 0], [0, 1, 0], [0, 1, 0]], np.bool_),
    "falling": np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], np.bool_),
    "rising": np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]], np.bool_),
}

SPEC = SourceSpec(
    title="Handwritten digits with a patch planted at any place, which alone tells the class",
    kind="image",
    licence=digits.SPEC.licence,
    citation=digits.SPEC.citation,
    homepage=digits.SPEC.homepage,
    truth=True,
    channels=1,
)


def axes(*, size: int, **parameters: Any) -> tuple[int, ...]:
    """Return the sizes of an example, without the channels."""
    return (size, size)


def load(
    files: Mapping[str, Path],
    rng: np.random.Generator,
    *,
    per_class: Annotated[
        int, Field(ge=1, le=DIGITS // len(LINES), description="number of examples of each class, each on another digit")
    ] = 400,
    size: Annotated[
        int,
        Field(
            ge=8,
            le=64,
            description="pixels along each side; the 8 × 8 digits are enlarged to this size (bilinear interpolation)",
        ),
    ] = 16,
    contrast: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="how much darker a patch's line is than the rest of the patch; both are equally far from 0.5",
        ),
    ] = 0.8,
) -> RawData:
    """Draw digits, classes and places, in random order.

    Returns:
        x (4 per_class, size, size, 1), where 0 is paper and 1 is full ink, y, and truth: True at the nine pixels of the
        patch.
    """
    count = len(LINES) * per_class
    images = digits.load({}, rng).train.x[rng.permutation(DIGITS)[:count]]
    y = rng.permutation(np.repeat(np.arange(len(LINES), dtype=np.int64), per_class))
    corner = rng.integers(size - PATCH + 1, size=(count, 2))
    x = enlarged(images, size)
    truth = np.zeros(x.shape, np.bool_)
    within = np.arange(PATCH)
    cells = (
        np.arange(count)[:, np.newaxis, np.newaxis],
        (corner[:, :1] + within)[:, :, np.newaxis],
        (corner[:, 1:] + within)[:, np.newaxis, :],
        0,
    )
    x[cells] = patches(contrast)[y]
    truth[cells] = True
    return RawData(train=Examples(x, y, truth), test=None, classes=tuple(LINES), channels=("ink",), unit="ink")


def patches(contrast: float) -> NDArray[np.float32]:
    """Return the patch of each class: (4, 3, 3)."""
    return (0.5 + contrast * (np.stack(list(LINES.values())) - 0.5)).astype(np.float32)


def enlarged(images: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Enlarge images (N, 8, 8, 1) to (N, size, size, 1); pixels are areas, not points: the edges stay in place."""
    from scipy.ndimage import zoom

    factor = size / images.shape[1]
    larger: NDArray[np.float32] = zoom(images, (1, factor, factor, 1), order=1, mode="nearest", grid_mode=True)
    return larger
