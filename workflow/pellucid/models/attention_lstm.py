"""A recurrent network with additive attention, whose weights say how much each time step counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pellucid.models.base import ModelSpec, require_size

if TYPE_CHECKING:
    import keras

SPEC = ModelSpec(
    title="LSTM with attention over time: Conv, pool, LSTM, additive attention",
    kinds=("series",),
    features=("conv", "relu", "attention"),
    source="attention after Yang Z, Yang D, Dyer C, He X, Smola A, Hovy E. Hierarchical Attention Networks for "
    "Document Classification. NAACL (2016), equations 5 to 7; the convolution in front shortens the series",
)


def build(
    input_shape: tuple[int, ...],
    n_classes: int,
    *,
    filters: Annotated[int, Field(ge=1, le=10_000, description="filters of the convolution")] = 64,
    kernel: Annotated[int, Field(ge=1, le=10_000, description="samples that each filter spans")] = 9,
    pool: Annotated[
        int,
        Field(
            ge=1,
            le=10_000,
            description="samples that become one time step of the LSTM. With fewer samples the attention is finer, "
            "and there are more steps",
        ),
    ] = 5,
    units: Annotated[int, Field(ge=1, le=10_000, description="units of the LSTM, and of the attention")] = 64,
) -> keras.Model:
    """Build the network for inputs (time, channels).

    The layer `attention_weights` outputs (N, steps): positive, with sum 1.

    Raises:
        InputError: too few samples for two time steps.
    """
    from keras import Input, Model, layers

    require_size("attention_lstm", input_shape, 2 * pool)
    series = Input(input_shape, name="input")
    hidden = layers.Conv1D(filters, kernel, padding="same", activation="relu", name="conv_1")(series)
    hidden = layers.MaxPooling1D(pool, name="pool_1")(hidden)
    states = layers.LSTM(units, return_sequences=True, name="lstm")(hidden)
    scores = layers.Dense(units, activation="tanh", name="attention_hidden")(states)  # equation 5
    scores = layers.Dense(1, use_bias=False, name="attention_scores")(scores)
    weights = layers.Softmax(name="attention_weights")(layers.Flatten(name="attention_flat")(scores))  # equation 6
    context = layers.Dot(axes=(1, 1), name="context")([weights, states])  # equation 7
    classes = layers.Dense(n_classes, activation="softmax", name="classes")(context)
    return Model(series, classes, name="attention_lstm")
