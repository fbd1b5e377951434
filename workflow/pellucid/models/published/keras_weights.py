"""Weights files in the HDF5 layout that keras.applications publishes: one group per layer, its arrays in order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.models.imported import hdf5


def read(path: Path | str) -> dict[str, list[NDArray[np.float32]]]:
    """The arrays of each layer that has any, by the layer's name, in the order of the file.

    Raises:
        InputError: not such a file, or a truncated one.
    """
    with _opened(path) as file:
        return {layer: [np.asarray(file[layer][name], np.float32) for name in names] for layer, names in _held(file)}


def layers(path: Path | str) -> list[str]:
    """The names of the layers that have arrays, in the order of the file.

    Raises:
        InputError: not such a file.
    """
    with _opened(path) as file:
        return [layer for layer, _ in _held(file)]


@contextmanager
def _opened(path: Path | str) -> Iterator[Any]:
    expected = "weights in the HDF5 layout of keras.applications, in a file that is called .h5"
    # Keras tells formats by names: it would read another one.
    if not str(path).endswith((".h5", ".hdf5")) or str(path).endswith(".weights.h5"):
        raise InputError.unexpected(str(path), "another name", expected)
    with hdf5.opened(path, str(path), expected) as file:
        yield file


def _held(file: Any) -> list[tuple[str, list[str]]]:
    found = [(layer, _names(file[layer].attrs, "weight_names")) for layer in _names(file.attrs, "layer_names")]
    return [(layer, names) for layer, names in found if names]


def _names(attributes: Any, key: str) -> list[str]:
    return [name.decode() if isinstance(name, bytes) else str(name) for name in attributes[key]]
