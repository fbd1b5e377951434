"""MNIST: 70,000 handwritten digits, 28 × 28 pixels, from the archive that Keras publishes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.base import Examples, RawData, SourceSpec
from pellucid.datasets.scratch import Scratch
from pellucid.errors import InputError
from pellucid.files import read_arrays
from pellucid.rows import blocks

SPEC = SourceSpec(
    title="70,000 handwritten digits, 28 × 28 pixels",
    kind="image",
    licence="CC BY-SA 3.0",
    citation="LeCun Y, Bottou L, Bengio Y, Haffner P. Gradient-based learning applied to document recognition. "
    "Proc. IEEE 86(11):2278-2324 (1998)",
    homepage="https://keras.io/api/datasets/mnist/",
    parameters={"file": {"type": "string", "minLength": 1, "description": "mnist.npz: a path or an address"}},
    required=("file",),
    files=("file",),
    scratch=True,
)


def axes(**parameters: Any) -> tuple[int, ...]:
    """Sizes of an example, but for the channels."""
    return (28, 28)


def load(files: Mapping[str, Path], rng: np.random.Generator, *, scratch: Scratch | None = None) -> RawData:
    """Pixel values from 0 to 255, scaled to [0, 1].

    Raises:
        InputError: not an archive with x_train, y_train, x_test and y_test of matching shapes, or labels outside 0–9.
    """
    name = str(files["file"])
    arrays, room = read_arrays(files["file"]), scratch or Scratch()
    wanted = ("x_train", "y_train", "x_test", "y_test")
    if missing := [key for key in wanted if key not in arrays]:
        raise InputError(name, f"no array {', '.join(missing)}", f"the arrays {', '.join(wanted)}")
    return RawData(
        train=_examples(arrays["x_train"], arrays["y_train"], f"{name}, train", room),
        test=_examples(arrays["x_test"], arrays["y_test"], f"{name}, test", room),
        classes=tuple(str(digit) for digit in range(10)),
        channels=("ink",),
        unit="ink",
    )


def _examples(x: NDArray[Any], y: NDArray[Any], where: str, room: Scratch) -> Examples:
    if x.dtype != np.uint8 or x.ndim != 3 or y.shape != x.shape[:1]:
        found = f"images {x.dtype} {x.shape} with labels {y.shape}"
        raise InputError(where, found, "images uint8 (N, height, width) with labels (N,)")
    if y.size == 0:
        raise InputError(where, "no examples", "at least one")
    if y.dtype.kind not in "iu" or y.min() < 0 or y.max() > 9:
        raise InputError(where, f"labels {y.dtype} from {y.min()} to {y.max()}", "whole numbers from 0 to 9")
    ink = (block[..., np.newaxis].astype(np.float32) / np.float32(255) for block in blocks(x))
    return Examples(room.array(ink), y.astype(np.int64))
