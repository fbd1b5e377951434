"""Read weights in the HDF5 layout of keras.applications: one group per layer, with its arrays in order."""

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
    """Return the arrays of each layer that has some, by the layer's name, in the order of the file.

    Raises:
        InputError: the file has another format, or is truncated.
    """
    with _opened(path) as file:
        return {
            layer: [np.asarray(file[layer][name], np.float32) for name in names] for layer, names in _array_names(file)
        }


def layers(path: Path | str) -> list[str]:
    """Return the names of the layers that have arrays, in the order of the file.

    Raises:
        InputError: the file has another format.
    """
    with _opened(path) as file:
        return [layer for layer, _ in _array_names(file)]


@contextmanager
def _opened(path: Path | str) -> Iterator[Any]:
    expected = "weights in the HDF5 layout of keras.applications, in a file that is called .h5"
    # Keras recognises formats by names, and would read another format.
    if not str(path).endswith((".h5", ".hdf5")) or str(path).endswith(".weights.h5"):
        raise InputError.unexpected(str(path), "another name", expected)
    with hdf5.opened(path, str(path), expected) as file:
        yield file


def _array_names(file: Any) -> list[tuple[str, list[str]]]:
    by_layer = [(layer, _names(file[layer].attrs, "weight_names")) for layer in _names(file.attrs, "layer_names")]
    return [(layer, names) for layer, names in by_layer if names]


def _names(attributes: Any, key: str) -> list[str]:
    return [name.decode() if isinstance(name, bytes) else str(name) for name in attributes[key]]
