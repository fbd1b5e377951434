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
            "none (random); imagenet, the file that Keras publishes for this network, downloaded and compared with "
            "the checksum that Keras states (none for MobileNet and MobileNetV2); or the path or address of a file "
            "of the same layout, with or without the head",
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
        Field(description="the network, as keras.applications calls it"),
    ] = "MobileNetV2",
    weights: Path | str | None = None,
    head: Annotated[
        Literal["published", "average"],
        Field(
            description="published: the layers that the network ends in; average: global average pooling and the "
            "dense layer of the classes, which makes class activation maps of any network"
        ),
    ] = "published",
    freeze: Annotated[bool, Field(description="true: training changes the head alone")] = False,
    white: White = 1,
    classes: own_keys.Classes = (),
) -> keras.Model:
    """Build the network for RGB images (height, width, 3).

    Of published weights every layer is taken but those of the head that have another shape there: the classes, where
    they are not 1,000, and the dense layers of VGG for images of another size. These begin anew.

    Raises:
        InputError: images that are no RGB or too small for the network, or a file that holds other weights.
    """
    network = NETWORKS[name]
    require_size(f"application {name}", input_shape, network.family.minimum)
    require_rgb(f"application {name}", input_shape)
    from keras import Input, Model, layers

    image = Input(input_shape, name="input")
    factor, shift = SCALING[network.family.scaling]
    scaled = layers.Rescaling([one / white for one in factor], list(shift), name="preprocessing")(image)
    model = _network(name, input_shape, n_classes, head == "published", scaled)
    if head == "average":
        hidden = layers.GlobalAveragePooling2D(name="average")(model.output)
        model = Model(image, layers.Dense(n_classes, activation="softmax", name="classes")(hidden), name=model.name)
    if weights is not None:
        load(model, weights, name)
    if freeze:
        own = _weighted(model)
        begin = len(own) - 1 if head == "average" else len(_weighted(_network(name, input_shape, n_classes, False)))
        for layer in own[:begin]:
            layer.trainable = False
    return model


def _network(name: str, shape: tuple[int, ...], n_classes: int, top: bool, images: Any = None) -> keras.Model:
    """The network as Keras builds it, on `images` or on an input of its own."""
    from keras import applications

    # weights=None is what keeps Keras from a download of its own.
    return getattr(applications, name)(
        include_top=top, weights=None, classes=n_classes, input_shape=shape, input_tensor=images
    )


def _weighted(model: keras.Model) -> list[keras.layers.Layer]:
    return [layer for layer in model.layers if layer.weights]


def load(model: keras.Model, path: Path | str, name: str) -> None:
    """Give a model built here the weights of a file, as `build` says.

    Networks that were trained on blue, green, red get the kernels of their first layer turned round, which gives the
    same numbers for red, green, blue as a layer that would turn every image.

    Raises:
        InputError: no such file, or one of another network.
    """
    network, theirs, anew = NETWORKS[name], _published(path, name), []
    own = _weighted(model)
    # Names tell nothing: Keras numbers some layers, and goes on counting from model to model. Their order does.
    for layer, source in itertools.zip_longest(own, theirs[: len(own)]):
        arrays = source.get_weights() if source is not None else []
        if [array.shape for array in arrays] != [array.shape for array in layer.get_weights()]:
            anew.append(layer.name)
            continue
        if layer is own[0] and network.family.scaling == BLUE_GREEN_RED:
            arrays[0] = arrays[0][:, :, ::-1]
        if layer is own[0] and network.family.scaling == ITS_OWN_AND_DEVIATIONS:
            arrays[1] = arrays[1] * np.asarray(DEVIATIONS, arrays[1].dtype)
        layer.set_weights(arrays)
        derive(layer)
    if anew:
        logger.info("%s begin anew: the file has none of their shape", ", ".join(anew))


def _published(path: Path | str, name: str) -> list[keras.layers.Layer]:
    """The layers of the network as Keras builds it for 1,000 classes, with the weights of a file.

    Raises:
        InputError: no such file, or one of another network.
    """
    network, held = NETWORKS[name], len(keras_weights.layers(path))
    counts = []
    for top in (True, False):
        model = _network(name, (network.size, network.size, 3), _CLASSES, top)
        counts.append(len(_weighted(model)))
        if counts[-1] == held:
            break
    else:
        expected = f"{counts[0]}, or {counts[1]} without the head, as Keras publishes them for {name}"
        raise InputError.unexpected(str(path), f"weights of {held} layers", expected)
    try:
        model.load_weights(path)
    except Exception as error:  # Keras raises many kinds; all mean the same here.
        reason = " ".join(str(error).split())[:200]
        raise InputError.unexpected(str(path), f"weights of another network ({reason})", f"those of {name}") from None
    return _weighted(model)


def check(*, classes: Sequence[str | int], **others: Any) -> None:
    """Refuse a list of classes with one class alone or one class twice.

    Raises:
        InputError: one of these.
    """
    own_keys.check(classes=classes)


def fill(*, name: str, weights: str, **others: Any) -> dict[str, str]:
    """Put the address of published weights, and their checksum, in the place of their name."""
    return published(name, weights)


def features(*, name: str, head: str, **others: Any) -> tuple[str, ...]:
    """What the network has; a head of its average has the class activation maps of every network."""
    has = {"conv", *NETWORKS[name].family.features} | ({"gap"} if head == "average" else set())
    return tuple(feature for feature in SPEC.features if feature in has)
