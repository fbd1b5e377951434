"""Layout of images: a column for each class; above each image, below it the same image under its heat map."""

from __future__ import annotations

from matplotlib.figure import Figure

from pellucid.draw import style
from pellucid.draw.layouts import base
from pellucid.draw.shared import pixels


def draw(sheet: base.Sheet) -> Figure:
    """Return the figure."""
    inputs = sheet.arrays["inputs"]
    # Photographs need more room than digits.
    side = min(1.3 if inputs.shape[1] < 64 else 2.6, 13 / len(sheet.rows))
    figure = style.new(1.2 + side * len(sheet.rows), 0.8 + (2.2 * side + 0.15) * sheet.columns)
    axes = figure.subplots(2 * sheet.columns, len(sheet.rows), squeeze=False)
    for panel in axes.ravel():
        panel.set_visible(False)
    for column, row in enumerate(sheet.rows):
        for line, index in enumerate(row):
            above, below = axes[2 * line, column], axes[2 * line + 1, column]
            above.set_visible(True)
            below.set_visible(True)
            pixels.image(above, inputs[index])
            pixels.heat_over_image(below, inputs[index], sheet.maps[index, ..., 0], sheet.scales.of(index))
            above.set_title(sheet.short_heading(index, side), fontsize=8)
            below.set_title(base.folded_note(sheet.scales.note(index), side), pad=2, **base.NOTE)
    return sheet.finish(figure, axes)
