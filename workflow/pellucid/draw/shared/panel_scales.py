"""The colour scale of each panel of a figure, and the note in the panel about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid.draw import style
from pellucid.explain.shared import flat_maps

# A panel whose own scale ends below this share of the common scale looks pale.
_PALE = 0.25
# A panel with its own scale gets a note if its largest value is below this share of the figure's largest.
_WEAK = 0.1


@dataclass(frozen=True)
class PanelScales:
    """Colour scales of maps (N, ...), with a panel for each map.

    Attributes:
        maps: of all examples; NaN where nothing was measured.
        shown: the indices of the examples that the figure shows.
        signed: whether a map may have negative values.
        common: whether all panels have one scale; otherwise each has its own.
        colours: the colour map; None for that of other figures.
        zero: the note in the panel of a map that is zero everywhere.
    """

    maps: NDArray[np.float32]
    shown: NDArray[np.int64]
    signed: bool
    common: bool = False
    colours: Colormap | None = None
    zero: str = "zero everywhere"

    def of(self, index: int) -> style.Scale:
        """Return the scale of the panel of one example."""
        return self._common if self.common else self._own(index)

    def note(self, index: int) -> str:
        """Return a panel's note: its largest value and where its colours end, or that it has no positive values."""
        values = self.maps[index][np.isfinite(self.maps[index])]
        if not values.size:
            return "nothing was measured"
        high, low = float(values.max()), float(values.min())
        if high == low == 0:
            return self.zero
        return "; ".join([_range(high, low, self.signed), *self._about(index, max(high, -low))])

    def _about(self, index: int, size: float) -> list[str]:
        """Return where the colours of a panel end, unless that is its largest value."""
        own_end, largest = self._own(index).top, self._largest
        if self.common:
            end = self._common.top
            return [f"pale: the common scale ends at {short(end)}"] if own_end < _PALE * end else []
        cut = [f"darkest from {short(own_end)}"] if own_end < size else []
        return cut + ([f"{_percent(size / largest)} of the largest in this figure"] if size < _WEAK * largest else [])

    def bar(self, figure: Figure, axes: Any, label: str) -> None:
        """Draw the colour bar beside `axes`: with numbers for a common scale, otherwise with words."""
        if self.common:
            self._common.bar(figure, axes, label)
            return
        colours = self.colours or (style.DIVERGING if self.signed else style.SEQUENTIAL)
        norm = Normalize(-1 if self.signed else 0, 1)
        bar = style.colour_bar(figure, axes, mpl.cm.ScalarMappable(norm, colours))
        if self.signed:
            bar.set_ticks([-1, 0, 1], labels=["− panel's\nlargest", "0", "+ panel's\nlargest"])
        else:
            bar.set_ticks([0, 1], labels=["0", "panel's\nmaximum"])
        bar.ax.tick_params(labelsize=8)
        bar.set_label(style.beside(figure, f"{label}, each panel on its own scale"))
        bar.outline.set_visible(False)

    def _own(self, index: int) -> style.Scale:
        return style.Scale.of(self.maps[index], self.signed, self.colours)

    @cached_property
    def _common(self) -> style.Scale:
        return style.Scale.of(self.maps[self.shown], self.signed, self.colours)

    @cached_property
    def _largest(self) -> float:
        return float(np.nanmax(np.abs(self.maps[self.shown])))


def _range(high: float, low: float, signed: bool) -> str:
    """Return the range of a map's values in words."""
    if high - low <= flat_maps.ROUNDING * max(abs(high), abs(low)):
        return f"{short(high)} everywhere"
    if high <= 0:
        return f"no positive values: {short(low)} to {short(high)}"
    return f"max {short(high)}, min {short(low)}" if signed and low < 0 else f"max {short(high)}"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else "less than 1%"


def short(value: float) -> str:
    """Return a number with two significant digits."""
    return f"{value:.2g}".replace("-", "−")
