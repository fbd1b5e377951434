"""Handwritten digits of 13 people, 8 × 8 pixels: the test part of the UCI set, which ships with scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.datasets.base import Examples, RawData, SourceSpec

SPEC = SourceSpec(
    title="1,797 handwritten digits, 8 × 8 pixels",
    kind="image",
    licence="CC BY 4.0",
    citation="Alpaydin E, Kaynak C. Optical Recognition of Handwritten Digits. UCI Machine Learning Repository (1998). "
    "doi:10.24432/C50P49",
    homepage="https://archive.ics.uci.edu/dataset/80",
    channels=1,
)


def axes(**parameters: Any) -> tuple[int, ...]:
    """Return the sizes of an example, without the channels."""
    return (8, 8)


def load(files: Mapping[str, Path], rng: np.random.Generator) -> RawData:
    """Load the digits and scale their pixels, counts from 0 to 16, to [0, 1]."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return RawData(
        train=Examples((bunch.images[..., np.newaxis] / 16).astype(np.float32), bunch.target.astype(np.int64)),
        test=None,
        classes=tuple(str(digit) for digit in range(10)),
        channels=("ink",),
        unit="ink",
    )
