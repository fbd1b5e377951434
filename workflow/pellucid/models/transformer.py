"""A Transformer encoder for series: patches of the series are its tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.errors import InputError
from pellucid.models.base import ModelSpec, require_size

if TYPE_CHECKING:
    import keras

SPEC = ModelSpec(
    title="Transformer encoder: patches, positions, blocks of self-attention, mean over all patches",
    kinds=("series",),
    features=("conv", "relu", "relevance_rule", "self_attention"),
    source="Vaswani A, Shazeer N, Parmar N, Uszkoreit J, Jones L, Gomez AN, et al. Attention Is All You Need. NIPS "
    "(2017); normalisation before each part as in Dosovitskiy A, Beyer L, Kolesnikov A, Weissenborn D, Zhai X, "
    "Unterthiner T, et al. An Image is Worth 16x16 Words. ICLR (2021), equations 2 and 3",
)


def build(
    input_shape: tuple[int, ...],
    n_classes: int,
    *,
    patch: Annotated[
        int,
        Field(
            ge=1,
            le=10_000,
            description="samples that become one token. The memory of attention grows with the square of the number "
            "of tokens",
        ),
    ] = 10,
    width: Annotated[
        int, Field(ge=2, le=10_000, description="values of each token; a multiple of 2 and of heads")
    ] = 64,
    heads: Annotated[int, Field(ge=1, le=1_000, description="attention heads of each block")] = 4,
    depth: Annotated[int, Field(ge=1, le=100, description="blocks")] = 3,
    hidden: Annotated[int, Field(ge=1, le=100_000, description="units of the dense layer in each block")] = 128,
    dropout: Annotated[
        float, Field(ge=0, lt=1, description="share of the values that training drops after each part of a block")
    ] = 0.1,
) -> keras.Model:
    """Build the network for inputs (time, channels).

    Raises:
        InputError: `check` refuses the sizes, or the series make less than two tokens.
    """
    from keras import Input, Model, layers

    check(width=width, heads=heads)
    require_size("transformer", input_shape, patch + 1)
    series = Input(input_shape, name="input")
    # "same" pads a series that is no multiple of the patch: every sample is seen.
    patches = layers.Conv1D(width, patch, strides=patch, padding="same", activation="relu", name="patches")
    tokens: Any = patches(series)
    steps = int(tokens.shape[1])
    # A dense layer that has a bias of its own for each step: the positions, which training changes.
    positions = layers.EinsumDense("btc,cd->btd", (steps, width), bias_axes="td", name="positions")
    tokens = positions(tokens)
    positions.set_weights([positions.get_weights()[0], sinusoids(steps, width)])
    for block in range(1, depth + 1):
        normed = layers.LayerNormalization(epsilon=1e-6, name=f"norm_{block}_1")(tokens)
        mixed = layers.MultiHeadAttention(heads, width // heads, name=f"attention_{block}")(normed, normed)
        mixed = layers.Dropout(dropout, name=f"dropout_{block}_1")(mixed)
        tokens = layers.Add(name=f"add_{block}_1")([tokens, mixed])
        normed = layers.LayerNormalization(epsilon=1e-6, name=f"norm_{block}_2")(tokens)
        changed = layers.Dense(hidden, "relu", name=f"dense_{block}_1")(normed)
        changed = layers.Dropout(dropout, name=f"dropout_{block}_2")(
            layers.Dense(width, name=f"dense_{block}_2")(changed)
        )
        tokens = layers.Add(name=f"add_{block}_2")([tokens, changed])
    tokens = layers.LayerNormalization(epsilon=1e-6, name="norm")(tokens)
    classes = layers.Dense(n_classes, "softmax", name="classes")(layers.GlobalAveragePooling1D(name="mean")(tokens))
    return Model(series, classes, name="transformer")


def sinusoids(steps: int, width: int) -> NDArray[np.float32]:
    """Return the positions from which training starts: (steps, width).

    Vaswani et al., section 3.5: sin(t / 10000^(2i / width)) and its cosine side by side.
    """
    angles = np.arange(steps)[:, np.newaxis] / 10_000 ** (2 * np.arange(width // 2) / width)
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(steps, width).astype(np.float32)


def check(*, width: int, heads: int, **others: object) -> None:
    """Refuse a width that the heads cannot share, or that is odd.

    Raises:
        InputError: such a width.
    """
    if width % heads or width % 2:
        raise InputError.unexpected("transformer.width", f"{width}", f"a multiple of 2 and of the {heads} heads")
