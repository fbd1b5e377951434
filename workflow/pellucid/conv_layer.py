"""Which layer a method or a view means."""

from __future__ import annotations

import logging

from pellucid.errors import InputError
from pellucid.probe import Probe
from pellucid.wording import listing, nearest, shown

logger = logging.getLogger(__name__)

_NAMED = "name:"


def conv_layer(probe: Probe, layer: str) -> str:
    """The name of the layer that `layer` means: first or last (convolution layer), or the name of any layer.

    A layer that is itself called first or last is meant by name:first or name:last.

    Raises:
        InputError: no convolution layer, or no layer of that name.
    """
    names, keyword = probe.conv_layers, layer in ("first", "last")
    if not keyword and (found := named_layer(probe, layer)):
        return found
    if not names:
        raise InputError("model", "no convolution layer", "one at least, or the name of another layer")
    if keyword:
        meant = names[0 if layer == "first" else -1]
        tell_keyword(probe, layer, meant)
        return meant
    expected = f"first, last, or one of {listing(names)}"
    raise InputError("layer", shown(layer), expected, nearest(layer, probe.layers).strip())


def named_layer(probe: Probe, layer: str) -> str:
    """The layer of that name, which may follow `name:`; nothing where there is none."""
    return next((name for name in (layer, layer.removeprefix(_NAMED)) if name in probe.layers), "")


def tell_keyword(probe: Probe, keyword: str, meant: str) -> None:
    """Say what a keyword means in a model that has another layer of that name."""
    if keyword in probe.layers and keyword != meant:
        logger.info('layer: "%s" means the layer %s; the layer of this name is %s%s', keyword, meant, _NAMED, keyword)
