"""Multiple-instance learning: the series is a bag of windows, and weights say how much each window counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pellucid.errors import InputError
from pellucid.models.base import ModelSpec

if TYPE_CHECKING:
    import keras

SPEC = ModelSpec(
    title="Multiple-instance CNN: one small CNN for every window, gated attention over the windows",
    kinds=("series",),
    # No "conv": convolutions run over (window, time in the window), so their maps do not lie on the axis of the input.
    features=("relu", "instances"),
    source="Ilse M, Tomczak JM, Welling M. Attention-based Deep Multiple Instance Learning. ICML (2018), equations 7 "
    "and 9",
)


def build(
    input_shape: tuple[int, ...],
    n_classes: int,
    *,
    window: Annotated[
        int,
        Field(
            ge=2,
            le=1_000_000,
            description="samples of one instance; the last one is filled up with zeros if the length of the series is "
            "no multiple",
        ),
    ] = 30,
    filters: Annotated[
        int, Field(ge=1, le=10_000, description="filters of the first convolution; the second has twice as many")
    ] = 32,
    kernel: Annotated[int, Field(ge=1, le=10_000, description="samples that each filter spans")] = 5,
    units: Annotated[int, Field(ge=1, le=10_000, description="units of the gated attention")] = 64,
) -> keras.Model:
    """Build the network for inputs (time, channels).

    The layer `windows` outputs (N, instances, window, channels), and `instance_weights` (N, instances): positive, with
    sum 1. Kernels of one window by `kernel` samples are the same small 1-D CNN for every window; inside of a wrapper
    layer the convolutions could not be reached.

    Raises:
        InputError: the window is so long that there is only one.
    """
    from keras import Input, Model, layers

    length, channels = input_shape
    if window >= length:
        raise InputError.unexpected(
            "mil_cnn.window", f"{window}, for {length} samples", "windows that make at least two instances"
        )
    count = -(-length // window)
    series = Input(input_shape, name="input")
    padded = layers.ZeroPadding1D((0, count * window - length), name="padding")(series)
    instances = layers.Reshape((count, window, channels), name="windows")(padded)
    hidden = layers.Conv2D(filters, (1, kernel), padding="same", activation="relu", name="conv_1")(instances)
    hidden = layers.MaxPooling2D((1, 2), name="pool_1")(hidden)
    hidden = layers.Conv2D(2 * filters, (1, kernel), padding="same", activation="relu", name="conv_2")(hidden)
    hidden = layers.AveragePooling2D((1, window // 2), name="mean")(hidden)
    embedded = layers.Reshape((count, 2 * filters), name="embeddings")(hidden)
    signal = layers.Dense(units, activation="tanh", use_bias=False, name="attention_tanh")(embedded)
    gate = layers.Dense(units, activation="sigmoid", use_bias=False, name="attention_gate")(embedded)
    scores = layers.Dense(1, use_bias=False, name="attention_scores")(layers.Multiply(name="gated")([signal, gate]))
    weights = layers.Softmax(name="instance_weights")(layers.Flatten(name="attention_flat")(scores))  # equation 9
    bag = layers.Dot(axes=(1, 1), name="bag")([weights, embedded])  # equation 7
    classes = layers.Dense(n_classes, activation="softmax", name="classes")(bag)
    return Model(series, classes, name="mil_cnn")
