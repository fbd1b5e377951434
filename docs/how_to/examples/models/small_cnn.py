"""A small convolutional network for series: one convolution, one pooling, one dense layer."""

from pellucid.models.base import ModelSpec, require_size

SPEC = ModelSpec(
    title="Small 1-D CNN",
    kinds=("series",),
    features=("conv", "relu", "rescale_rule"),
    source="an example of the documentation",
    parameters={
        "filters": {"type": "integer", "minimum": 1, "default": 8, "description": "of the convolution"},
        "kernel": {"type": "integer", "minimum": 1, "default": 9, "description": "samples that a filter spans"},
    },
)


def build(input_shape, n_classes, *, filters=8, kernel=9):
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
