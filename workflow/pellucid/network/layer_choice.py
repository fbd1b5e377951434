"""Find the layer that a method or a view names in its parameter `layer`."""

from __future__ import annotations

import logging

from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean
from pellucid.network.explained_model import ExplainedModel

logger = logging.getLogger(__name__)

_NAMED = "name:"


def conv_layer(model: ExplainedModel, layer: str) -> str:
    """Return the address of a layer: first or last, or the name of any layer or operation.

    first and last are places through which all values pass, after the first and the last convolution (or block of
    parallel convolutions): the activation that belongs to it, or the point where the branches meet. If a layer itself
    is called first or last, write name:first or name:last.

    Raises:
        InputError: no convolution that everything passes through, or no layer of that name.
    """
    places = model.places
    keyword = layer in ("first", "last")
    if keyword and places.ends:
        address = places.address(places.ends[0 if layer == "first" else -1])
        tell_keyword(model, layer, address)
        return address
    if not keyword and (address := named_layer(model, layer)):
        return address
    names = list(dict.fromkeys([*(places.address(index) for index in places.ends), *model.conv_layers]))
    if keyword or not names:
        expected = "at least one whose maps lie on the axes of the input, or the name of another layer"
        raise InputError.unexpected("model", "no convolution layer that everything passes through", expected)
    expected = f"first, last, or one of {comma_list(names)}"
    raise InputError.unexpected(
        "layer", abbreviate(layer), expected, did_you_mean(layer, [*model.layers, *places.addresses]).strip()
    )


def map_layer(model: ExplainedModel, layer: str) -> str:
    """Return the address of a layer, as `conv_layer`, whose maps are known to lie on the input.

    Raises:
        InputError: as `conv_layer`, or the units of the layer have no known place on the input.
    """
    address, places = conv_layer(model, layer), model.places
    address = places.of_model(address) or address
    index = places.addresses.get(address)
    place = None if index is None else places.fields[index].place
    if index is None or place is None or not place.maps:
        names = list(dict.fromkeys([*(places.address(end) for end in places.ends), *model.conv_layers]))
        found = f"{abbreviate(layer)}, whose output does not lie on the axes of the input in a known order"
        if index is not None and len(shape := tuple(model.nodes[index].shape)) < 2:
            found = f"{abbreviate(layer)}, whose output {shape} has no time or space left"
        if index is None and address in model.layers:
            found = f"{abbreviate(layer)}, a layer that is used several times"
        raise InputError.unexpected("layer", found, f"a layer with feature maps, such as {comma_list(names)}")
    if index not in places.cuts:
        logger.info('layer "%s" lies in one of several branches: its maps show only a part of the model', address)
    return address


def kernel_layer(model: ExplainedModel, layer: str) -> str:
    """Return the name of a convolution layer, for its weights: first, last, or the name of the layer.

    Write name:first or name:last for a layer that is itself called first or last.

    Raises:
        InputError: no convolution layer, or no layer of that name.
    """
    if layer in ("first", "last"):
        if not model.places.convolutions:
            raise InputError.unexpected("model", "no convolution layer", "at least one, or the name of another layer")
        name = model.nodes[model.places.convolutions[0 if layer == "first" else -1]].name
        tell_keyword(model, layer, name)
        return name
    address = conv_layer(model, layer)
    index = model.places.addresses.get(address)
    return address if index is None else model.nodes[index].name


def named_layer(model: ExplainedModel, layer: str) -> str:
    """Return the address of the layer of a name, which may follow `name:`; empty where there is none."""
    known = (model.layers, model.places.addresses)
    names = (layer, layer.removeprefix(_NAMED))
    return next((name for name in names if any(name in addresses for addresses in known)), "")


def tell_keyword(model: ExplainedModel, keyword: str, address: str) -> None:
    """Log what a keyword means in a model that has another layer of that name."""
    if keyword in model.layers and keyword != address:
        logger.info('layer: "%s" means the layer %s; the layer of this name is %s%s', keyword, address, _NAMED, keyword)
