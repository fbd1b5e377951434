"""Give pictures a palette of 256 colours.

The median cut of Pillow takes a third of a second for a large figure, most of it to look each pixel up. Here it sees
one pixel of nine, and pixels are looked up by the first six bits of their colours.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

_COLOURS = 256
# Colours that the median cut leaves to those that it would show worst: a small strong spot keeps its colour.
_RARE = 24
_STEP = 3
_BITS = 6


def of_transparent(pixels: Image.Image) -> Image.Image:
    """Return an RGBA image with a palette."""
    # Without dithering: a pattern of dots would look like attributions.
    return pixels.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)


def of_colours(pixels: Image.Image) -> Image.Image:
    """Return an RGB image with a palette; colours that agree in their first six bits become one."""
    rgb = np.asarray(pixels)
    red, green, blue = (rgb[..., channel].astype(np.int32) >> (8 - _BITS) for channel in range(3))
    keys = ((red << _BITS | green) << _BITS) | blue
    colours = np.zeros((1 << 3 * _BITS, 3), np.uint8)
    present = np.zeros(len(colours), np.bool_)
    # One colour stands for all that agree: the last of them, which in a figure is pure white among the nearly white.
    colours[keys], present[keys] = rgb, True
    places = np.flatnonzero(present)
    seen = colours[places].astype(np.float32)
    sample = Image.fromarray(np.ascontiguousarray(rgb[::_STEP, ::_STEP]))
    cut = sample.quantize(_COLOURS - _RARE, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    chosen = np.array(cut.getpalette(), np.float32).reshape(-1, 3)[: _COLOURS - _RARE]
    # Whole numbers below 2²⁴: exact in float32.
    distances = (seen**2).sum(1)[:, np.newaxis] - 2 * seen @ chosen.T + (chosen**2).sum(1)
    nearest, errors = distances.argmin(1), distances.min(1)
    while len(chosen) < _COLOURS and errors.max() > 0:
        chosen = np.concatenate([chosen, seen[[errors.argmax()]]])
        further = ((seen - chosen[-1]) ** 2).sum(1)
        nearest = np.where(further < errors, len(chosen) - 1, nearest)
        errors = np.minimum(errors, further)
    table = np.zeros(len(colours), np.uint8)
    table[places] = nearest
    reduced = Image.fromarray(table[keys])
    reduced.putpalette(chosen.astype(np.uint8).tobytes())
    return reduced
