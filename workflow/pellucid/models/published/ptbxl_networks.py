"""What the networks of the PTB-XL benchmark share: convolutions with batch normalisation, and the head.

Strodthoff N, Wagner P, Schaeffter T, Samek W. Deep Learning for ECG Analysis: Benchmarks and Insights from PTB-XL.
IEEE J Biomed Health Inform 25:1519-1528 (2021), arXiv:2004.13701. Its program pads strided convolutions equally on both
sides. Keras' padding "same" does not, so here the padding is a layer of its own.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from pellucid.errors import InputError

SOURCE = (
    "Strodthoff N, Wagner P, Schaeffter T, Samek W. Deep Learning for ECG Analysis: Benchmarks and Insights from "
    "PTB-XL. IEEE J Biomed Health Inform 25:1519-1528 (2021)"
)
# Convolutions and dense layers of the benchmark are drawn from N(0, 2 / fan_in).
INITIALISER = "he_normal"
_EPSILON = 1e-5  # of batch normalisation, where Keras has 1e-3

Hidden = Annotated[
    int, Field(ge=0, le=10_000, description="units of the dense layer before the classes; 0: no such layer")
]
Dropout = Annotated[
    float,
    Field(
        ge=0,
        lt=1,
        description="share of the values that training drops before the classes; before the layer `hidden` it drops "
        "half of this share",
    ),
]


def convolution(
    hidden: Any, filters: int, kernel: int, name: str, *, stride: int = 1, momentum: float, relu: bool = True
) -> Any:
    """Return a convolution without bias, batch normalisation and, with `relu`, a ReLU: (N, steps / stride, filters)."""
    from keras import layers

    hidden = normalised(bare_convolution(hidden, filters, kernel, name, stride=stride), name, momentum)
    return layers.ReLU(name=f"{name}_relu")(hidden) if relu else hidden


def bare_convolution(hidden: Any, filters: int, kernel: int, name: str, *, stride: int = 1) -> Any:
    """Return a convolution without bias, padded by (kernel - 1) // 2 on both sides."""
    from keras import layers

    edge = (kernel - 1) // 2
    # At stride 1 and an odd size Keras' "same" is this padding.
    inside = stride == 1 and kernel % 2 == 1
    if edge and not inside:
        hidden = layers.ZeroPadding1D(edge, name=f"{name}_pad")(hidden)
    return layers.Conv1D(
        filters,
        kernel,
        strides=stride,
        padding="same" if inside else "valid",
        use_bias=False,
        kernel_initializer=INITIALISER,
        name=f"{name}_conv",
    )(hidden)


def normalised(hidden: Any, name: str, momentum: float) -> Any:
    """Return the maps after batch normalisation."""
    from keras import layers

    return layers.BatchNormalization(momentum=momentum, epsilon=_EPSILON, name=f"{name}_norm")(hidden)


def head(maps: Any, n_classes: int, *, hidden: int, dropout: float, momentum: float) -> Any:
    """Return the probabilities of the classes from maps (N, steps, filters).

    The maximum and the mean over all steps side by side; then, for the hidden layer and for the classes, batch
    normalisation, dropout and a dense layer.
    """
    from keras import layers

    # A maximum over all steps as a pooling layer: DeepLIFT has a rule for it.
    maximum = layers.Flatten(name="maximum_flat")(layers.MaxPooling1D(maps.shape[1], name="maximum")(maps))
    features = layers.Concatenate(name="pooled")([maximum, layers.GlobalAveragePooling1D(name="mean")(maps)])
    if hidden:
        features = layers.Dropout(dropout / 2, name="hidden_dropout")(normalised(features, "hidden", momentum))
        features = layers.Dense(hidden, "relu", kernel_initializer=INITIALISER, name="hidden")(features)
    features = layers.Dropout(dropout, name="dropout")(normalised(features, "features", momentum))
    return layers.Dense(n_classes, "softmax", kernel_initializer=INITIALISER, name="classes")(features)


def require_odd(key: str, kernel: int) -> None:
    """Refuse an even size of filters: no equal padding on both sides would keep their output in place.

    Raises:
        InputError: an even size.
    """
    if kernel % 2 == 0:
        raise InputError.unexpected(key, f"{kernel}", "an odd number: the padding is alike on both sides")
