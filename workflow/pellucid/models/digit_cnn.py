"""The 2-D network of the survey of CNN visualisation methods, from Keras' first MNIST example."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pellucid.models.base import ModelSpec, require_size

if TYPE_CHECKING:
    import keras

SPEC = ModelSpec(
    title="2-D CNN for digits: Conv 32-3, Conv 64-3, pool 2, Dense 128",
    kinds=("image",),
    features=("conv", "relu", "rescale_rule"),
    source="the survey of CNN visualisation methods: 1,199,882 parameters for 28 × 28 × 1 and 10 classes",
)


def build(
    input_shape: tuple[int, ...],
    n_classes: int,
    *,
    dropout: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="share of the values that training drops after the pooling; before the classes it drops twice "
            "as much (at most 0.5)",
        ),
    ] = 0.25,
) -> keras.Model:
    """Build the network for inputs (height, width, channels).

    Raises:
        InputError: fewer than 6 pixels along an axis.
    """
    from keras import Sequential, layers

    require_size("digit_cnn", input_shape, 6)
    return Sequential(
        [
            layers.Input(input_shape, name="input"),
            layers.Conv2D(32, 3, activation="relu", name="conv_1"),
            layers.Conv2D(64, 3, activation="relu", name="conv_2"),
            layers.MaxPooling2D(2, name="pool_1"),
            layers.Dropout(dropout, name="dropout_1"),
            layers.Flatten(name="flatten"),
            layers.Dense(128, activation="relu", name="dense_1"),
            layers.Dropout(min(2 * dropout, 0.5), name="dropout_2"),
            layers.Dense(n_classes, activation="softmax", name="classes"),
        ],
        name="digit_cnn",
    )
