"""Which layer a method or a view means."""

from __future__ import annotations

import logging

from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean
from pellucid.network.explained_model import ExplainedModel

logger = logging.getLogger(__name__)

_NAMED = "name:"


def conv_layer(model: ExplainedModel, layer: str) -> str:
    """The address of the layer that `layer` means: first or last, or the name of any layer or operation.

    first and last are places that everything passes through, behind the first and the last convolution (or block of
    parallel ones): the activation that belongs to it, or where the branches meet. A layer that is itself called first
    or last is meant by name:first or name:last.

    Raises:
        InputError: no convolution that everything passes through, or no layer of that name.
    """
    places = model.places
    keyword = layer in ("first", "last")
    if keyword and places.ends:
        meant = places.address(places.ends[0 if layer == "first" else -1])
        tell_keyword(model, layer, meant)
        return meant
    if not keyword and (address := named_layer(model, layer)):
        return address
    names = list(dict.fromkeys([*(places.address(index) for index in places.ends), *model.conv_layers]))
    if keyword or not names:
        expected = "one at least whose maps lie on the axes of the input, or the name of another layer"
        raise InputError.unexpected("model", "no convolution layer that everything passes through", expected)
    expected = f"first, last, or one of {comma_list(names)}"
    raise InputError.unexpected(
        "layer", abbreviate(layer), expected, did_you_mean(layer, [*model.layers, *places.addresses]).strip()
    )


def map_layer(model: ExplainedModel, layer: str) -> str:
    """As `conv_layer`; the maps of the layer are known to lie on the input.

    Raises:
        InputError: as `conv_layer`, or a layer whose units have no place on the input that is known.
    """
    address, places = conv_layer(model, layer), model.places
    address = places.of_model(address) or address
    index = places.addresses.get(address)
    place = None if index is None else places.fields[index].place
    if index is None or place is None or not place.maps:
        names = list(dict.fromkeys([*(places.address(end) for end in places.ends), *model.conv_layers]))
        found = f"{abbreviate(layer)}, whose output does not lie on the axes of the input in an order that is known"
        if index is not None and len(shape := tuple(model.nodes[index].shape)) < 2:
            found = f"{abbreviate(layer)}, whose output {shape} has no time or space left"
        if index is None and address in model.layers:
            found = f"{abbreviate(layer)}, a layer that is used several times"
        raise InputError.unexpected("layer", found, f"a layer with feature maps, such as {comma_list(names)}")
    if index not in places.cuts:
        logger.info('layer "%s" lies in one of several branches: its maps show a part of the model only', address)
    return address


def kernel_layer(model: ExplainedModel, layer: str) -> str:
    """The name of a convolution layer, for its weights: first, last, or its own.

    A layer that is itself called first or last is meant by name:first or name:last.

    Raises:
        InputError: no convolution layer, or no layer of that name.
    """
    if layer in ("first", "last"):
        if not model.places.convolutions:
            raise InputError.unexpected("model", "no convolution layer", "one at least, or the name of another layer")
        meant = model.nodes[model.places.convolutions[0 if layer == "first" else -1]].name
        tell_keyword(model, layer, meant)
        return meant
    address = conv_layer(model, layer)
    index = model.places.addresses.get(address)
    return address if index is None else model.nodes[index].name


def named_layer(model: ExplainedModel, layer: str) -> str:
    """The address of the layer of that name, which may follow `name:`; nothing where there is none."""
    known = (model.layers, model.places.addresses)
    tries = (layer, layer.removeprefix(_NAMED))
    return next((name for name in tries if any(name in names for names in known)), "")


def tell_keyword(model: ExplainedModel, keyword: str, meant: str) -> None:
    """Say what a keyword means in a model that has another layer of that name."""
    if keyword in model.layers and keyword != meant:
        logger.info('layer: "%s" means the layer %s; the layer of this name is %s%s', keyword, meant, _NAMED, keyword)
