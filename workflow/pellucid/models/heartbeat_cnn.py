"""The 1-D network of SignalScreen's ECG example: three convolutions and two dense layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pellucid.models.base import ModelSpec, Momentum, require_size

if TYPE_CHECKING:
    import keras

SPEC = ModelSpec(
    title="1-D CNN for single heartbeats: Conv 16-3, Conv 32-3, Conv 64-3, Dense 20",
    kinds=("series",),
    features=("conv", "relu", "rescale_rule"),
    source="SignalScreen (Foxpace, 2021), its ECG example: 121,053 parameters for 186 samples and 5 classes",
)


def build(
    input_shape: tuple[int, ...],
    n_classes: int,
    *,
    batch_norm_momentum: Momentum = 0.99,
) -> keras.Model:
    """Build the network for inputs (time, channels); ReLU after each convolution, before its batch normalisation.

    Raises:
        InputError: fewer than 12 samples.
    """
    from keras import Sequential, layers

    require_size("heartbeat_cnn", input_shape, 12)
    return Sequential(
        [
            layers.Input(input_shape, name="input"),
            layers.Conv1D(16, 3, activation="relu", name="conv_1"),
            layers.BatchNormalization(momentum=batch_norm_momentum, name="norm_1"),
            layers.MaxPooling1D(2, name="pool_1"),
            layers.Conv1D(32, 3, activation="relu", name="conv_2"),
            layers.BatchNormalization(momentum=batch_norm_momentum, name="norm_2"),
            layers.Conv1D(64, 3, activation="relu", name="conv_3"),
            layers.BatchNormalization(momentum=batch_norm_momentum, name="norm_3"),
            layers.Flatten(name="flatten"),
            layers.Dense(20, activation="relu", name="dense_1"),
            layers.Dense(n_classes, activation="softmax", name="classes"),
        ],
        name="heartbeat_cnn",
    )
