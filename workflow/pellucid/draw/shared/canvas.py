"""Many small pictures on one pair of axes, placed in inches: axes for each picture would be slow to draw."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from pellucid.draw import style


class Canvas:
    """A pair of axes whose coordinates are inches from the upper left corner.

    Args:
        width, height: of the drawing, in inches; the figure is larger, for caption and colour bar.
        caption: of the figure.
        bar: whether to keep room for a colour bar at the right.
    """

    def __init__(self, width: float, height: float, caption: str, *, bar: bool = True) -> None:
        lines = caption.count("\n") + 1
        top, below, side = 0.12 + 0.19 * lines, 0.08, 0.85 if bar else 0.1
        # A narrow drawing must not cut the caption off.
        needed = 0.3 + 0.073 * max(map(len, caption.split("\n")))
        total = max(width + 0.1 + side, needed)
        full = top + height + below
        self.figure = Figure(figsize=(total, full))
        self.axes: Axes = self.figure.add_axes((0.1 / total, below / full, width / total, height / full))
        self.axes.set_axis_off()
        self.axes.set_xlim(0, width)
        self.axes.set_ylim(height, 0)
        self.figure.suptitle(caption, x=0.1 / total, y=1 - 0.06 / full, ha="left", va="top", fontsize=10)
        self._beside = (0.1 + width + 0.12) / total
        self._inch = (1 / total, 1 / full)
        self._below = below / full
        self._height = height

    def picture(
        self, pixels: NDArray[Any], left: float, top: float, width: float, height: float, **options: Any
    ) -> None:
        """Put a picture (height, width) or (height, width, 3 or 4) into a box, with a thin frame."""
        limits = self.axes.get_xlim(), self.axes.get_ylim()
        options = {"interpolation": "nearest", "aspect": "auto", **options}
        self.axes.imshow(pixels, extent=(left, left + width, top + height, top), **options)
        self.axes.set_xlim(limits[0])
        self.axes.set_ylim(limits[1])
        self.frame(left, top, width, height)

    def example(
        self,
        pixels: NDArray[Any],
        left: float,
        top: float,
        width: float,
        height: float,
        limits: tuple[float, float] | None = None,
    ) -> None:
        """Put an image (height, width, channels) into a box, as `pixels.image` shows one; NaN is left empty.

        `limits` are the values of the palest and the darkest colour; None takes the range of the image.
        """
        low, high = limits or (float(np.nanmin(pixels)), float(np.nanmax(pixels)))
        if pixels.shape[-1] == 3:
            shade = np.clip((pixels - low) / (high - low or 1.0), 0, 1)
            # NaN, outside of the image, becomes white.
            self.picture(np.nan_to_num(shade, nan=1.0), left, top, width, height)
        else:
            self.picture(pixels.mean(-1), left, top, width, height, cmap="gray_r", vmin=low, vmax=high)

    def frame(
        self, left: float, top: float, width: float, height: float, colour: str = style.QUIET, line: float = 0.5
    ) -> None:
        """Draw the outline of a rectangle."""
        self.axes.add_patch(
            Rectangle((left, top), width, height, fill=False, edgecolor=colour, linewidth=line, clip_on=False)
        )

    def text(self, words: str, x: float, y: float, **options: Any) -> None:
        """Write words, in letters of 7 points by default."""
        self.axes.text(x, y, words, **{"fontsize": 7, "va": "center", **options})

    def bar(self, scale: style.Scale, label: str) -> None:
        """Draw the colour bar of all pictures, at the right of the drawing."""
        height = min(3.0, 0.8 * self._height)
        bottom = self._below + (self._height - height) / 2 * self._inch[1]
        axes = self.figure.add_axes((self._beside, bottom, 0.1 * self._inch[0], height * self._inch[1]))
        # A letter of 8 points is about a fifteenth of an inch wide.
        scale.bar_in(self.figure, axes, textwrap.fill(label, max(16, int(15 * height))))


def box_of(shape: tuple[int, ...], longest: float) -> tuple[float, float]:
    """Return height and width, in inches, of a picture of `shape` (height, width, …) whose longer side is `longest`."""
    return longest * shape[0] / max(shape[:2]), longest * shape[1] / max(shape[:2])
