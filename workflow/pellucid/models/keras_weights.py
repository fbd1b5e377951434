"""Weights files in the HDF5 layout that keras.applications publishes: one group per layer, its arrays in order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError


def read(path: Path | str) -> dict[str, list[NDArray[np.float32]]]:
    """The arrays of each layer that has any, by the layer's name, in the order of the file.

    Raises:
        InputError: not such a file, or a truncated one.
    """
    import h5py  # type: ignore[import-untyped]

    try:
        with h5py.File(path, "r") as file:
            return {
                layer: [np.asarray(file[layer][name], np.float32) for name in _names(file[layer].attrs, "weight_names")]
                for layer in _names(file.attrs, "layer_names")
                if len(file[layer].attrs["weight_names"])
            }
    except (OSError, KeyError, TypeError, ValueError) as error:
        reason = str(error).strip('"')
        raise InputError(
            str(path), f"a file that cannot be read ({reason})", "weights in the HDF5 layout of keras.applications"
        ) from None


def _names(attributes: Any, key: str) -> list[str]:
    return [name.decode() if isinstance(name, bytes) else str(name) for name in attributes[key]]
