"""Importing xplique without what only its other methods and its plots need."""

from __future__ import annotations

from types import ModuleType

from tests.support.absent import absent

# Of its own requirements, those that no method compared here calls.
_UNUSED = ("cv2", "einops", "tensorflow_probability")


def xplique_attributions() -> ModuleType:
    """`xplique.attributions`, whether or not OpenCV, einops and TensorFlow Probability are installed.

    Raises:
        ImportError: xplique is not installed.
    """
    with absent(*_UNUSED):
        import xplique.attributions as attributions
    module: ModuleType = attributions
    return module
