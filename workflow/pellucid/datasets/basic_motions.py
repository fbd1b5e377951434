"""Four motions of people who wear a smart watch: the UEA set that ships with aeon."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.base import Examples, RawData, SourceSpec

SPEC = SourceSpec(
    title="80 recordings of standing, walking, running and badminton: accelerometer and gyroscope at 10 Hz",
    kind="series",
    licence="free for research (UEA multivariate time series classification archive)",
    citation="Bagnall A, Dau HA, Lines J, Flynn M, Large J, Bostrom A, Southam P, Keogh E. The UEA multivariate time "
    "series classification archive, 2018. arXiv:1811.00075 (2018)",
    homepage="https://www.timeseriesclassification.com/description.php?Dataset=BasicMotions",
)


def axes(**parameters: Any) -> tuple[int, ...]:
    """Return the sizes of an example, without the channels."""
    return (100,)


def load(files: Mapping[str, Path], rng: np.random.Generator) -> RawData:
    """Load the archive's training and test halves, 40 recordings each."""
    from aeon.datasets import load_basic_motions

    x_train, y_train = load_basic_motions(split="train")
    x_test, y_test = load_basic_motions(split="test")
    classes = tuple(str(name) for name in np.unique(y_train))
    return RawData(
        train=_examples(x_train, y_train, classes),
        test=_examples(x_test, y_test, classes),
        classes=classes,
        channels=("acc x", "acc y", "acc z", "gyro x", "gyro y", "gyro z"),
        unit="sensor units",
        sampling_rate=10.0,
    )


def _examples(x: NDArray[np.float64], names: NDArray[np.str_], classes: tuple[str, ...]) -> Examples:
    """Bring aeon's order (N, channels, time) to Keras' order (N, time, channels)."""
    index = {name: label for label, name in enumerate(classes)}
    labels = np.array([index[str(name)] for name in names], np.int64)
    return Examples(np.ascontiguousarray(x.transpose(0, 2, 1), np.float32), labels)
