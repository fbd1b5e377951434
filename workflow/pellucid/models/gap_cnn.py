"""A fully convolutional network that ends in global average pooling, as class activation maps need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pellucid.errors import InputError
from pellucid.models.base import ModelSpec, Momentum, require_size

if TYPE_CHECKING:
    import keras

SPEC = ModelSpec(
    title="CNN with global average pooling: blocks of Conv, batch norm, ReLU; mean over all positions",
    kinds=("series", "image"),
    features=("conv", "relu", "rescale_rule", "gap"),
    source="Wang Z, Yan W, Oates T. Time Series Classification from Scratch with Deep Neural Networks: A Strong "
    "Baseline. IJCNN (2017), its FCN; for images the same with square kernels",
)


def build(
    input_shape: tuple[int, ...],
    n_classes: int,
    *,
    filters: Annotated[
        Sequence[Annotated[int, Field(ge=1, le=10_000)]],
        Field(min_length=1, max_length=100, description="filters of each block"),
    ] = (128, 256, 128),
    kernels: Annotated[
        Sequence[Annotated[int, Field(ge=1, le=10_000)]],
        Field(
            min_length=1,
            max_length=100,
            description="size of the filters of each block, along every axis; for images [3, 3, 3] is usual",
        ),
    ] = (8, 5, 3),
    pool: Annotated[
        int,
        Field(
            ge=1,
            le=10_000,
            description="size of the max pooling along every axis, after each block but the last; 1, as in the paper, "
            "keeps the maps at the input's size",
        ),
    ] = 1,
    batch_norm_momentum: Momentum = 0.99,
) -> keras.Model:
    """Build the network for inputs (time, channels) or (height, width, channels).

    Raises:
        InputError: the numbers of filters and kernels differ, or inputs are too short for the poolings.
    """
    from keras import Sequential, layers

    check(filters=filters, kernels=kernels)
    require_size("gap_cnn", input_shape, pool ** (len(filters) - 1))
    series = len(input_shape) == 2
    conv = layers.Conv1D if series else layers.Conv2D
    pooling = layers.MaxPooling1D if series else layers.MaxPooling2D
    mean = layers.GlobalAveragePooling1D if series else layers.GlobalAveragePooling2D
    stack = [layers.Input(input_shape, name="input")]
    for block, (count, size) in enumerate(zip(filters, kernels, strict=True), start=1):
        stack += [
            conv(count, size, padding="same", name=f"conv_{block}"),
            layers.BatchNormalization(momentum=batch_norm_momentum, name=f"norm_{block}"),
            layers.ReLU(name=f"relu_{block}"),
        ]
        if pool > 1 and block < len(filters):
            stack.append(pooling(pool, name=f"pool_{block}"))
    return Sequential(
        [*stack, mean(name="mean"), layers.Dense(n_classes, activation="softmax", name="classes")], name="gap_cnn"
    )


def check(*, filters: Sequence[int], kernels: Sequence[int], **others: object) -> None:
    """Refuse lists of filters and kernels of different lengths.

    Raises:
        InputError: the lengths differ.
    """
    if len(filters) != len(kernels):
        raise InputError.unexpected(
            "gap_cnn.kernels", f"{len(kernels)} sizes", f"{len(filters)}, as many as there are filters"
        )
