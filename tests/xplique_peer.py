"""Importing xplique without what only its other methods and its plots need."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

# Of its own requirements, those that no method compared here calls.
_UNUSED = ("cv2", "einops", "tensorflow_probability")


class _Absent(ModuleType):
    """A module whose names can be imported; a call of one fails."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


def xplique_attributions() -> ModuleType:
    """`xplique.attributions`, whether or not OpenCV, einops and TensorFlow Probability are installed.

    Raises:
        ImportError: xplique is not installed.
    """
    absent = [name for name in _UNUSED if name not in sys.modules and importlib.util.find_spec(name) is None]
    sys.modules.update({name: _Absent(name) for name in absent})
    try:
        import xplique.attributions as attributions
    finally:
        for name in absent:
            del sys.modules[name]
    module: ModuleType = attributions
    return module
