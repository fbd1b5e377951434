"""Handwritten digits on which a small patch is planted: the patch, and not the digit, is what the class says.

Every example is one digit of scikit-learn's set, enlarged, of which 3 × 3 pixels at a place of its own are overwritten
by a patch. The four classes are the four directions of a line through the middle of the patch. The digit is there to be
looked at in vain: an explanation that marks its strokes shows what is conspicuous, not what the network uses.

Modelling assumptions:

- Class, place and digit are drawn independently: neither the digit nor the place says anything about the class.
- The evidence is all nine pixels of the patch: those beside the line tell its direction as much as the line does. Hence
  the masks of all classes have one shape, and a hole where the evidence was gives nothing away.
- The patches of all classes hold the same nine values in another order: neither the sum of an image nor the number of
  its dark pixels tells the class.
- The line has less ink than the darkest strokes and the rest of the patch more than paper, so that the patch does not
  stand out by its values: a map of the ink itself points at the digit.
- Strokes of a digit are lines as well, but wider than a pixel once enlarged; at the size of 8 they compete.
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

# The pixels of the line.
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
)


def axes(*, size: int, **parameters: Any) -> tuple[int, ...]:
    """Sizes of an example, but for the channels."""
    return (size, size)


def load(
    files: Mapping[str, Path],
    rng: np.random.Generator,
    *,
    per_class: Annotated[
        int, Field(ge=1, le=DIGITS // len(LINES), description="Examples of each class, each on a digit of its own.")
    ] = 400,
    size: Annotated[
        int,
        Field(
            ge=8,
            le=64,
            description="Pixels along each side, to which the 8 × 8 digits are enlarged (bilinear interpolation).",
        ),
    ] = 16,
    contrast: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="Ink of a patch's line less that of the rest of the patch; both lie as far from 0.5.",
        ),
    ] = 0.8,
) -> RawData:
    """Draw digits, classes and places, in random order; the parameters are those of `SPEC`.

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
    """The patch of each class: (4, 3, 3)."""
    return (0.5 + contrast * (np.stack(list(LINES.values())) - 0.5)).astype(np.float32)


def enlarged(images: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Images (N, 8, 8, 1) at (N, size, size, 1), pixels being areas and not points: the edges stay where they are."""
    from scipy.ndimage import zoom

    factor = size / images.shape[1]
    found: NDArray[np.float32] = zoom(images, (1, factor, factor, 1), order=1, mode="nearest", grid_mode=True)
    return found
