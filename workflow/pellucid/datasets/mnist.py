"""MNIST: 70,000 handwritten digits, 28 × 28 pixels, from the archive that Keras publishes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.base import Examples, RawData, SourceSpec
from pellucid.datasets.readers import npy
from pellucid.datasets.readers.spill_buffer import SpillBuffer
from pellucid.errors import InputError
from pellucid.lazy_array import blocks
from pellucid.parameters import File

SPEC = SourceSpec(
    title="70,000 handwritten digits, 28 × 28 pixels",
    kind="image",
    licence="CC BY-SA 3.0",
    citation="LeCun Y, Bottou L, Bengio Y, Haffner P. Gradient-based learning applied to document recognition. "
    "Proc. IEEE 86(11):2278-2324 (1998)",
    homepage="https://keras.io/api/datasets/mnist/",
    files={"file": File("mnist.npz: a path or an address")},
    scratch=True,
    channels=1,
)


def axes(**parameters: Any) -> tuple[int, ...]:
    """Return the sizes of an example, without the channels."""
    return (28, 28)


def load(files: Mapping[str, Path], rng: np.random.Generator, *, scratch: SpillBuffer | None = None) -> RawData:
    """Read the images and scale their pixels from 0–255 to [0, 1].

    Raises:
        InputError: the file is no archive of x_train, y_train, x_test and y_test with matching shapes, or a label is
            outside 0–9.
    """
    name, room = str(files["file"]), scratch or SpillBuffer()
    wanted = ("x_train", "y_train", "x_test", "y_test")
    with npy.opened(files["file"]) as archive:
        headers = {key: archive.header(key) for key in wanted if key in archive.names}
        if missing := [key for key in wanted if key not in headers]:
            raise InputError.unexpected(name, f"no array {', '.join(missing)}", f"the arrays {', '.join(wanted)}")
        for part in ("train", "test"):
            _require_images(headers[f"x_{part}"], headers[f"y_{part}"], f"{name}, {part}")
        arrays = {key: archive.read(key, room) for key in wanted}
    return RawData(
        train=_examples(arrays["x_train"], arrays["y_train"], f"{name}, train", room),
        test=_examples(arrays["x_test"], arrays["y_test"], f"{name}, test", room),
        classes=tuple(str(digit) for digit in range(10)),
        channels=("ink",),
        unit="ink",
    )


def _require_images(x: npy.Header, y: npy.Header, where: str) -> None:
    if x.dtype != np.uint8 or x.shape[1:] != (28, 28) or y.shape != x.shape[:1] or y.dtype.kind not in "iu":
        found = f"images {x.dtype} {x.shape} with labels {y.dtype} {y.shape}"
        raise InputError.unexpected(where, found, "images uint8 (N, 28, 28) with labels (N,), whole numbers")
    if 0 in y.shape:
        raise InputError.unexpected(where, "no examples", "at least one")


def _examples(x: NDArray[Any], y: NDArray[Any], where: str, room: SpillBuffer) -> Examples:
    if y.min() < 0 or y.max() > 9:
        raise InputError.unexpected(where, f"labels {y.dtype} from {y.min()} to {y.max()}", "whole numbers from 0 to 9")
    ink = (block[..., np.newaxis].astype(np.float32) / np.float32(255) for block in blocks(x))
    return Examples(room.array(ink), y.astype(np.int64))
