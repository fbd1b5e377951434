"""The 1-D network for multivariate series: two wide convolutions over all channels, pooled by five."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pellucid.models.base import ModelSpec, Momentum, require_size

if TYPE_CHECKING:
    import keras

SPEC = ModelSpec(
    title="1-D CNN for multivariate series: two blocks of Conv 128-9, batch norm, ReLU, pool 5; Dense 300",
    kinds=("series",),
    features=("conv", "relu", "rescale_rule"),
    source="the network of a public question on 300 × 9 series: 543,404 parameters up to its Dense 300",
)


def build(
    input_shape: tuple[int, ...],
    n_classes: int,
    *,
    batch_norm_momentum: Momentum = 0.99,
) -> keras.Model:
    """Build the network for inputs (time, channels).

    Raises:
        InputError: fewer than 73 samples, which leave one after both poolings.
    """
    from keras import Sequential, layers

    require_size("multivariate_cnn", input_shape, 73)
    return Sequential(
        [
            layers.Input(input_shape, name="input"),
            layers.Conv1D(128, 9, name="conv_1"),
            layers.BatchNormalization(momentum=batch_norm_momentum, name="norm_1"),
            layers.ReLU(name="relu_1"),
            layers.MaxPooling1D(5, name="pool_1"),
            layers.Conv1D(128, 9, name="conv_2"),
            layers.BatchNormalization(momentum=batch_norm_momentum, name="norm_2"),
            layers.ReLU(name="relu_2"),
            layers.MaxPooling1D(5, name="pool_2"),
            layers.Flatten(name="flatten"),
            layers.Dense(300, activation="relu", name="dense_1"),
            layers.Dense(n_classes, activation="softmax", name="classes"),
        ],
        name="multivariate_cnn",
    )
