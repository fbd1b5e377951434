"""Which layer a method or a view means."""

from __future__ import annotations

from pellucid.errors import InputError
from pellucid.probe import Probe
from pellucid.wording import listing, nearest, shown


def conv_layer(probe: Probe, layer: str) -> str:
    """The name of the layer that `layer` means: first or last (convolution layer), or the name of any layer.

    Raises:
        InputError: no convolution layer, or no layer of that name.
    """
    if layer in probe.layers:
        return layer
    names = probe.conv_layers
    if not names:
        raise InputError("model", "no convolution layer", "one at least, or the name of another layer")
    if layer in ("first", "last"):
        return names[0 if layer == "first" else -1]
    expected = f"first, last, or one of {listing(names)}"
    raise InputError("layer", shown(layer), expected, nearest(layer, probe.layers).strip())
