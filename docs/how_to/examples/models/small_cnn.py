"""A small convolutional network for series: one convolution, one pooling, one dense layer."""

from typing import Annotated

from pydantic import Field

from pellucid.models.base import ModelSpec, require_size

SPEC = ModelSpec(
    title="Small 1-D CNN",
    kinds=("series",),
    features=("conv", "relu", "rescale_rule"),
    source="an example of the documentation",
)


def build(
    input_shape,
    n_classes,
    *,
    filters: Annotated[int, Field(ge=1, description="of the convolution")] = 8,
    kernel: Annotated[int, Field(ge=1, description="samples that a filter spans")] = 9,
):
    """Build the network for inputs (time, channels); it is not compiled."""
    from keras import Sequential, layers

    require_size("small_cnn", input_shape, kernel + 3)
    return Sequential(
        [
            layers.Input(input_shape, name="input"),
            layers.Conv1D(filters, kernel, activation="relu", name="conv_1"),
            layers.MaxPooling1D(4, name="pool_1"),
            layers.Flatten(name="flatten"),
            layers.Dense(n_classes, activation="softmax", name="classes"),
        ],
        name="small_cnn",
    )
