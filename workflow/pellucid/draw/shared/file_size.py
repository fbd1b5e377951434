"""Keep the files of figures of long signals small: a figure of 12 leads of 5,000 samples had some megabytes.

Figures below the limits are written as they are, byte for byte.
"""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from pellucid.draw.shared import palette

# Bytes of a file above which its pixels get a palette.
LARGE = 500_000
# Points of all lines of a figure, above which those of many points become pixels in an SVG, and points of such a line.
MOST_POINTS, MANY = 20_000, 500
# An element of an SVG for a line of a grid takes as many bytes as so many points of a curve.
_POINTS_OF_A_PATH = 10
_EMBEDDED = re.compile(rb'(xlink:href="data:image/png;base64,)([^"]*)(")')


def as_pixels(figure: Figure) -> bool:
    """Let long lines and grids be pixels in an SVG, where a figure has too many points; return whether it has."""
    lines = [(line, np.size(line.get_xdata(orig=False))) for axes in figure.axes for line in axes.lines]
    if sum(points for _, points in lines) <= MOST_POINTS:
        return False
    grids = [(drawn, len(drawn.get_paths())) for axes in figure.axes for drawn in axes.collections]
    for drawn, points in (*lines, *((grid, _POINTS_OF_A_PATH * paths) for grid, paths in grids)):
        if points > MANY:
            drawn.set_rasterized(True)
    return True


def write_with_palette(figure: Figure, path: Path) -> None:
    """Write a PNG with 256 colours: compressed once, not with all colours before."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    palette.of_colours(pixels).save(path, "PNG", dpi=(figure.dpi, figure.dpi))


def shrink(path: Path) -> None:
    """Give the pixels of a large PNG or SVG file a palette of 256 colours; other files stay as they are."""
    if path.stat().st_size <= LARGE:
        return
    if path.suffix == ".png":
        path.write_bytes(_with_palette(path.read_bytes()))
    elif path.suffix == ".svg":
        path.write_bytes(_EMBEDDED.sub(_smaller, path.read_bytes()))


def _smaller(found: re.Match[bytes]) -> bytes:
    begin, content, end = found.groups()
    # Matplotlib breaks the text into lines; base64 ignores them.
    return begin + base64.b64encode(_with_palette(base64.b64decode(content))) + end


def _with_palette(content: bytes) -> bytes:
    """Return a PNG file with at most 256 colours, or the file itself where that is smaller."""
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        transparent = image.mode == "RGBA" and np.asarray(image.getchannel("A")).min() < 255
        reduced = palette.of_transparent(image) if transparent else palette.of_colours(image.convert("RGB"))
        written = io.BytesIO()
        reduced.save(written, "PNG", dpi=image.info.get("dpi", (150, 150)))
    return min(written.getvalue(), content, key=len)
