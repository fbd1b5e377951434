"""VGG16, as keras.applications builds it, with random or published weights and its preprocessing inside."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.errors import InputError
from pellucid.models.base import ModelSpec, White, require_rgb, require_size
from pellucid.models.imported import own_keys
from pellucid.models.published import keras_weights
from pellucid.models.published.keras_networks import published
from pellucid.parameters import File

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

SPEC = ModelSpec(
    title="VGG16: thirteen 3 × 3 convolutions in five blocks, Dense 4096 twice",
    kinds=("image",),
    features=("conv", "relu", "rescale_rule"),
    source="Simonyan K, Zisserman A. Very Deep Convolutional Networks for Large-Scale Image Recognition. ICLR (2015), "
    "configuration D; 138,357,544 parameters for 224 × 224 × 3 and 1,000 classes (https://keras.io/api/applications/vgg)",
    files={
        "weights": File(
            "none: random weights. imagenet: the file that Keras publishes. Or the path or address of a file with its "
            "layout, such as "
            "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/"
            "vgg16_weights_tf_dim_ordering_tf_kernels.h5 "
            "(weights_md5: 64373286793e3c8b2b4e3219cbf3544b)",
            default="none",
        )
    },
)

# Means of the ImageNet training images, red, green, blue, on the scale from 0 to 255 (section 2.1 of the paper).
MEANS = (123.68, 116.779, 103.939)
_TOP = ("fc1", "fc2", "predictions")


def build(
    input_shape: tuple[int, ...],
    n_classes: int,
    *,
    weights: Path | str | None = None,
    nested: Annotated[
        bool, Field(description="true: the convolutions are one model inside the model; the numbers are the same")
    ] = False,
    white: White = 1,
    classes: own_keys.Classes = (),
) -> keras.Model:
    """Build the network for RGB images (height, width, 3).

    Published weights are used for all convolutions, and for the dense layers up to the first of another shape: fc1
    depends on the size of the images (224 × 224 fits), predictions on the number of classes (1,000 fit). The dense
    layers from there on start with random weights.

    Raises:
        InputError: images are not RGB or smaller than 32 pixels, or the file holds other weights.
    """
    from keras import Input, Model, applications, layers

    require_size("vgg16", input_shape, 32)
    require_rgb("vgg16", input_shape)
    image = Input(input_shape, name="input")
    # scaled - mean, as in the training of the network; `load` reorders the channels, which were blue, green, red.
    scaled = layers.Rescaling(255 / white, [-mean for mean in MEANS], name="preprocessing")(image)
    # weights=None keeps Keras from downloading weights.
    base = applications.VGG16(
        include_top=False, weights=None, **({"input_shape": input_shape} if nested else {"input_tensor": scaled})
    )
    hidden = base(scaled) if nested else base.output
    hidden = layers.Flatten(name="flatten")(hidden)
    for name in _TOP[:-1]:
        hidden = layers.Dense(4096, activation="relu", name=name)(hidden)
    classes = layers.Dense(n_classes, activation="softmax", name=_TOP[-1])(hidden)
    model = Model(image, classes, name="vgg16_nested" if nested else "vgg16")
    if weights is not None:
        load(model, weights)
    return model


def check(*, classes: Sequence[str | int], **others: Any) -> None:
    """Refuse a list of classes with one class alone or one class twice.

    Raises:
        InputError: such a list.
    """
    own_keys.check(classes=classes)


def fill(*, weights: str, **others: Any) -> dict[str, str]:
    """Replace the name of published weights by their address and MD5."""
    return published("VGG16", weights)


def load(model: keras.Model, path: Path | str) -> None:
    """Set the weights of a model from `build` to those of a file.

    The published weights expect blue, green, red: the channels of the first convolution's kernels are reversed, which
    gives the same numbers for red, green, blue.

    Raises:
        InputError: the file lacks these layers, or has convolutions of other shapes.
    """
    from pellucid.network.layers import holds_weights, walk

    arrays = keras_weights.read(path)
    layers = {layer.name: layer for layer in walk(model) if holds_weights(layer)}
    convolutions = [name for name in layers if name not in _TOP]
    for name in convolutions:
        if not _fits(layers[name], arrays.get(name)):
            expected = f"{name} with arrays of shape {_shapes(layers[name].get_weights())}"
            raise InputError.unexpected(
                str(path), f"{name} with {_shapes(arrays[name])}" if name in arrays else "none", expected
            )
    kernel, bias = arrays["block1_conv1"]
    arrays["block1_conv1"] = [kernel[:, :, ::-1], bias]
    taken = list(convolutions)
    for name in _TOP:
        if not _fits(layers[name], arrays.get(name)):
            break
        taken.append(name)
    for name in taken:
        layers[name].set_weights(arrays[name])
    if random := [name for name in _TOP if name not in taken]:
        logger.info("%s start with random weights: the file has none of their shape", ", ".join(random))


def _fits(layer: keras.layers.Layer, arrays: list[NDArray[np.float32]] | None) -> bool:
    return arrays is not None and [array.shape for array in arrays] == [tuple(weight.shape) for weight in layer.weights]


def _shapes(arrays: list[NDArray[np.float32]]) -> str:
    return " and ".join(str(array.shape) for array in arrays)
