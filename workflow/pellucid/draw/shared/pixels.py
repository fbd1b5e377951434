"""Images, and attributions over them."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from pellucid.draw import style


def image(axes: Axes, pixels: style.Array) -> None:
    """Draw an image (height, width, channels): three channels in colour; others in grey, the mean of the channels.

    High grey values are dark on white. NaN is left empty.
    """
    if pixels.shape[-1] == 3:
        low, high = (float(end.reduce(pixels, None, initial=np.nan)) for end in (np.fmin, np.fmax))
        shade = (pixels - low) / (high - low or 1.0)
        axes.imshow(np.nan_to_num(shade, nan=1.0), interpolation="nearest")
    else:
        axes.imshow(pixels.mean(-1), cmap="gray_r", interpolation="nearest")
    bare(axes)


def heat_over_image(axes: Axes, pixels: style.Array, attribution: style.Array, scale: style.Scale) -> None:
    """Draw an attribution (height, width) in colour over an image (height, width, channels) in pale grey."""
    axes.imshow(1 - 0.55 * ink(pixels), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    colours = scale.colours(scale.norm(attribution))
    # Weak attributions are transparent: the image shows the place, the colour the strength.
    strength = np.abs(attribution) / scale.top
    colours[..., 3] = np.clip(0.25 + 0.65 * strength, 0, 0.9)
    axes.imshow(colours, interpolation="nearest")
    bare(axes)


def ink(pixels: style.Array) -> style.Array:
    """Return how dark an image (height, width, channels) is drawn at each place, 0 to 1; high grey values are dark."""
    grey = pixels.mean(-1)
    low, high = (float(end.reduce(grey, None, initial=np.nan)) for end in (np.fmin, np.fmax))
    share: style.Array = (grey - low) / (high - low or 1.0)
    return share if pixels.shape[-1] == 1 else 1 - share


def bare(axes: Axes) -> None:
    """Remove the ticks of a panel, and draw a thin frame around it."""
    # The layout would measure axes without ticks as well, but it does not measure a rectangle.
    axes.set_axis_off()
    axes.add_patch(
        Rectangle(
            (0, 0), 1, 1, transform=axes.transAxes, fill=False, edgecolor=style.QUIET, linewidth=0.5, clip_on=False
        )
    )
