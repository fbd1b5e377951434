"""Grey pixels of more than 8 bits, and TIFF files whose numbers mean something else than intensity from 0 up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pellucid.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

_SIXTEEN = 65535
# Tags of TIFF, and their values.
_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339
_WHITE_IS_ZERO, _UNSIGNED = 0, 1


class Range(NamedTuple):
    """What the numbers of pixels of up to 16 bits mean.

    Attributes:
        most: the largest number that the file can hold: 4095 of 12 bits.
        inverted: whether 0 is white, and not black.
    """

    most: int
    inverted: bool


def is_deep(image: Image) -> bool:
    """Return whether an image has one value of more than 8 bits for each pixel."""
    return image.mode.startswith("I;16")


def require_known_range(image: Image, path: Path) -> None:
    """Refuse pixels whose range is not known: of 32 bits, or with a sign.

    Raises:
        InputError: such pixels. Pillow reads the signed 8 bits of a TIFF as if they had no sign: -1 would be white.
    """
    if image.mode in ("I", "F"):
        raise InputError.unexpected(str(path), "pixels of 32 bits, whose range is not known", "8 or 16 bits per value")
    formats = _tags(image).get(_SAMPLE_FORMAT, (_UNSIGNED,))
    if set(formats) != {_UNSIGNED}:
        found = "pixels with a sign, whose range is not known"
        raise InputError.unexpected(str(path), found, "8 or 16 bits per value, without a sign")


def range_of(image: Image) -> Range:
    """Return what the numbers of an image mean, from its header; of one that is not deep, Pillow has seen to it."""
    tags = _tags(image)
    if not (is_deep(image) and tags):
        return Range(_SIXTEEN, inverted=False)
    # Pillow unpacks 12 bits without scaling them, and inverts white and black for up to 8 bits alone.
    return Range(2 ** tags.get(_BITS, (16,))[0] - 1, inverted=tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO)


def scaled(image: Image, known: Range) -> Image:
    """Return a deep image with values from 0 to 255 (mode F); transparent pixels become white.

    Args:
        image: of mode I;16, or one of its byte orders.
        known: of the file that it is from.
    """
    from PIL import Image

    numbers = np.asarray(image).astype(np.float32)
    values = numbers * np.float32(255 / known.most)
    if known.inverted:
        values = np.float32(255) - values
    # Of a grey .png, one number may stand for transparent.
    if isinstance(clear := image.info.get("transparency"), int):
        values[numbers == clear] = 255
    return Image.fromarray(values)


def _tags(image: Image) -> dict[int, Any]:
    """Return the tags of a TIFF; none of other formats."""
    return dict(getattr(image, "tag_v2", None) or {}) if image.format == "TIFF" else {}
