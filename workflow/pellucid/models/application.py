"""Any network of keras.applications, with random or published weights and its preprocessing inside."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from pellucid.errors import InputError
from pellucid.models.base import ModelSpec, White, require_rgb, require_size
from pellucid.models.imported import own_keys
from pellucid.models.published import keras_weights
from pellucid.models.published.keras_networks import (
    BLUE_GREEN_RED,
    DEVIATIONS,
    ITS_OWN_AND_DEVIATIONS,
    NETWORKS,
    SCALING,
    published,
)
from pellucid.network.layers import derive
from pellucid.parameters import File, one_of

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

SPEC = ModelSpec(
    title="A network of keras.applications",
    kinds=("image",),
    features=("conv", "relu", "rescale_rule", "gap"),
    source="https://keras.io/api/applications, which names the paper of each network and the accuracy of its weights",
    files={
        "weights": File(
            "none: random weights. imagenet: the file that Keras publishes for this network; it is downloaded and "
            "compared with the checksum that Keras states (Keras states none for MobileNet and MobileNetV2). Or the "
            "path or address of a file with the same layout, with or without the head",
            default="none",
        )
    },
)

_CLASSES = 1000  # of the published heads


def build(
    input_shape: tuple[int, ...],
    n_classes: int,
    *,
    name: Annotated[
        Annotated[str, one_of(NETWORKS)],
        Field(description="the network, by its name in keras.applications"),
    ] = "MobileNetV2",
    weights: Path | str | None = None,
    head: Annotated[
        Literal["published", "average"],
        Field(
            description="published: the layers with which the network ends. average: global average pooling and the "
            "dense layer of the classes, which makes class activation maps of any network"
        ),
    ] = "published",
    freeze: Annotated[bool, Field(description="true: training changes only the head")] = False,
    white: White = 1,
    classes: own_keys.Classes = (),
) -> keras.Model:
    """Build the network for RGB images (height, width, 3).

    Published weights are used for every layer except for head layers of another shape: the classes, where there are
    not 1,000, and the dense layers of VGG for images of another size. These start with random weights.

    Raises:
        InputError: images are not RGB or too small for the network, or the file holds other weights.
    """
    network = NETWORKS[name]
    require_size(f"application {name}", input_shape, network.family.minimum)
    require_rgb(f"application {name}", input_shape)
    from keras import Input, Model, layers

    image = Input(input_shape, name="input")
    factor, shift = SCALING[network.family.scaling]
    scaled = layers.Rescaling([number / white for number in factor], list(shift), name="preprocessing")(image)
    model = _network(name, input_shape, n_classes, head == "published", scaled)
    if head == "average":
        hidden = layers.GlobalAveragePooling2D(name="average")(model.output)
        model = Model(image, layers.Dense(n_classes, activation="softmax", name="classes")(hidden), name=model.name)
    if weights is not None:
        load(model, weights, name)
    if freeze:
        weighted = _weighted(model)
        begin = (
            len(weighted) - 1 if head == "average" else len(_weighted(_network(name, input_shape, n_classes, False)))
        )
        for layer in weighted[:begin]:
            layer.trainable = False
    return model


def _network(name: str, shape: tuple[int, ...], n_classes: int, top: bool, images: Any = None) -> keras.Model:
    """Return the network as Keras builds it, on `images` or on a new input."""
    from keras import applications

    # weights=None keeps Keras from downloading weights.
    return getattr(applications, name)(
        include_top=top, weights=None, classes=n_classes, input_shape=shape, input_tensor=images
    )


def _weighted(model: keras.Model) -> list[keras.layers.Layer]:
    return [layer for layer in model.layers if layer.weights]


def load(model: keras.Model, path: Path | str, name: str) -> None:
    """Set the weights of a model from `build` to those of a file.

    Networks that were trained on blue, green, red images get the channels of their first kernels reversed, so that they
    give the same numbers for red, green, blue.

    Raises:
        InputError: the file cannot be read, or holds the weights of another network.
    """
    network, published_layers, random = NETWORKS[name], _published(path, name), []
    weighted = _weighted(model)
    # By order, not by name: Keras numbers some layers, and goes on counting from model to model.
    for layer, source in itertools.zip_longest(weighted, published_layers[: len(weighted)]):
        arrays = source.get_weights() if source is not None else []
        if [array.shape for array in arrays] != [array.shape for array in layer.get_weights()]:
            random.append(layer.name)
            continue
        if layer is weighted[0] and network.family.scaling == BLUE_GREEN_RED:
            arrays[0] = arrays[0][:, :, ::-1]
        if layer is weighted[0] and network.family.scaling == ITS_OWN_AND_DEVIATIONS:
            arrays[1] = arrays[1] * np.asarray(DEVIATIONS, arrays[1].dtype)
        layer.set_weights(arrays)
        derive(layer)
    if random:
        logger.info("%s start with random weights: the file has none of their shape", ", ".join(random))


def _published(path: Path | str, name: str) -> list[keras.layers.Layer]:
    """Return the layers of the network as Keras builds it for 1,000 classes, with the weights of a file.

    Raises:
        InputError: the file cannot be read, or holds the weights of another network.
    """
    network, stored = NETWORKS[name], len(keras_weights.layers(path))
    counts = []
    for top in (True, False):
        model = _network(name, (network.size, network.size, 3), _CLASSES, top)
        counts.append(len(_weighted(model)))
        if counts[-1] == stored:
            break
    else:
        expected = f"{counts[0]}, or {counts[1]} without the head, as Keras publishes them for {name}"
        raise InputError.unexpected(str(path), f"weights of {stored} layers", expected)
    try:
        model.load_weights(path)
    except Exception as error:  # Keras raises many kinds; all mean the same here.
        reason = " ".join(str(error).split())[:200]
        raise InputError.unexpected(str(path), f"weights of another network ({reason})", f"those of {name}") from None
    return _weighted(model)


def check(*, classes: Sequence[str | int], **others: Any) -> None:
    """Refuse a list of classes with one class alone or one class twice.

    Raises:
        InputError: such a list.
    """
    own_keys.check(classes=classes)


def fill(*, name: str, weights: str, **others: Any) -> dict[str, str]:
    """Replace the name of published weights by their address and checksum."""
    return published(name, weights)


def features(*, name: str, head: str, **others: Any) -> tuple[str, ...]:
    """Return the features of the network; with the head "average" every network has class activation maps."""
    has = {"conv", *NETWORKS[name].family.features} | ({"gap"} if head == "average" else set())
    return tuple(feature for feature in SPEC.features if feature in has)
