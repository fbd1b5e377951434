"""The class maps of images: mean image, mean map, its uncertainty and its share, a row for each class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from pellucid.data_info import DataInfo
from pellucid.draw import style
from pellucid.messages import MANY_CLASSES, counted

_SIDE = 1.55  # inches of a picture


def image_maps(
    arrays: Mapping[str, NDArray[Any]], data_info: DataInfo, caption: str, unit: str, *, signed: bool
) -> Figure:
    """Return a row for each class of images.

    Args:
        arrays: content of `class_maps.npz`.
        data_info: what `style.data_info` returns.
        caption: of the figure.
        unit: of the attributions.
        signed: whether values below zero mean evidence against the class.
    """
    count = min(len(arrays["outputs"]), MANY_CLASSES)
    figure = style.new(0.6 + 4.6 * _SIDE, 1.6 + 1.2 * _SIDE * count)
    axes = figure.subplots(count + 1, 4, squeeze=False, height_ratios=[*[1.2 * _SIDE] * count, 0.12])
    bars, axes = axes[-1], axes[:-1]
    # A pixel has one colour: for the sum of its channels. The width of a sum is not known from those of its parts.
    single = arrays["mean"].shape[-1] == 1
    mean, half = arrays["mean"].sum(-1), (arrays["high"] - arrays["low"]).sum(-1) / 2
    share = 100 * arrays["share"].sum(-1)
    scales = [
        style.Scale.of(mean[:count], signed),
        style.Scale.of(half[:count], False),
        style.Scale.of(share[:count], False),
    ]
    words = (unit, f"half width of the 95% interval{'' if single else ', sum of channels'}", "% of all attribution")
    for row in range(count):
        pixels = arrays["input"][row]
        axes[row, 0].imshow(picture(pixels), cmap="gray_r" if pixels.shape[-1] != 3 else None, interpolation="nearest")
        for panel, values, scale in zip(axes[row, 1:], (mean[row], half[row], share[row]), scales, strict=True):
            panel.imshow(values, cmap=scale.colours, norm=scale.norm, interpolation="nearest")
        name = data_info["classes"][int(arrays["outputs"][row])]
        axes[row, 0].set_title(f"{name}: {counted(int(arrays['examples'][row]), 'example')}", loc="left", fontsize=8)
        for panel in axes[row]:
            panel.set_xticks([])
            panel.set_yticks([])
    for place, text in enumerate(("mean image", "mean map", "its uncertainty", "share")):
        axes[-1, place].set_xlabel(text, fontsize=8)
    bars[0].set_axis_off()
    for bar, scale, text in zip(bars[1:], scales, words, strict=True):
        drawn = figure.colorbar(
            ScalarMappable(scale.norm, scale.colours), cax=bar, orientation="horizontal", extend=scale.extend
        )
        drawn.set_label(text, fontsize=7)
        drawn.locator = MaxNLocator(4)
        drawn.update_ticks()
        bar.tick_params(labelsize=6)
        drawn.outline.set_visible(False)
    figure.suptitle(caption, x=0.01, ha="left", fontsize=10)
    return figure


def picture(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a mean image (height, width, channels) as imshow takes it: three channels from 0 to 1, or one."""
    if pixels.shape[-1] != 3:
        grey: NDArray[np.float32] = pixels.mean(-1)
        return grey
    low, high = np.nanmin(pixels), np.nanmax(pixels)
    scaled: NDArray[np.float32] = (pixels - low) / ((high - low) or np.float32(1))
    return scaled
