"""The networks for series that the library aeon builds: InceptionTime, ResNet, LITE and others, by their names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pellucid.errors import InputError
from pellucid.messages import comma_list, format_shape
from pellucid.models.base import ModelSpec, Momentum
from pellucid.network.same_function import reason
from pellucid.parameters import one_of

if TYPE_CHECKING:
    import keras

SPEC = ModelSpec(
    title="A network of aeon",
    kinds=("series",),
    features=("conv", "relu", "rescale_rule", "gap"),
    source="Middlehurst M, Ismail-Fawaz A, Guillaume A, Holder C, Guijo-Rubio D, Bulatova G, et al. aeon: a Python "
    "toolkit for learning from time series. J Mach Learn Res 25(289):1-10 (2024); its pages name the paper of each "
    "network",
)

_CAM = ("conv", "relu", "rescale_rule", "gap")


@dataclass(frozen=True)
class Network:
    """A network of aeon.

    Attributes:
        kind: the name of its class in `aeon.networks`.
        features: what methods find in it, as in `ModelSpec.features`.
        sizes: aeon's name of each size that may be chosen, by the name of the parameter here.
        settings: what its class always gets.
    """

    kind: str
    features: tuple[str, ...] = ()
    sizes: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


_WINDOWS = {"filters": "n_filters", "kernel": "kernel_size"}
NETWORKS: Mapping[str, Network] = {
    "CNN": Network("TimeCNNNetwork", ("conv", "rescale_rule")),
    "DisjointCNN": Network("DisjointCNNNetwork", ("relu", "rescale_rule"), _WINDOWS),
    "Encoder": Network("EncoderNetwork", ("conv",)),
    "FCN": Network("FCNNetwork", _CAM, _WINDOWS),
    "GRU": Network("RecurrentNetwork", ("relevance_rule",), settings={"rnn_type": "gru"}),
    "Inception": Network("InceptionNetwork", _CAM, {**_WINDOWS, "depth": "depth"}),
    "LITE": Network("LITENetwork", _CAM, _WINDOWS),
    "LITEMV": Network("LITENetwork", _CAM, _WINDOWS, {"use_litemv": True}),
    "LSTM": Network("RecurrentNetwork", ("relevance_rule",), settings={"rnn_type": "lstm"}),
    "MLP": Network("MLPNetwork", ("relu", "rescale_rule")),
    "ResNet": Network("ResNetNetwork", _CAM, _WINDOWS),
    "TCN": Network("TCNNetwork", ("conv", "relu"), {"filters": "", "kernel": "kernel_size", "depth": ""}),
}
_TCN_FILTERS, _TCN_KERNEL = 16, 2  # aeon's own


def build(
    input_shape: tuple[int, ...],
    n_classes: int,
    *,
    name: Annotated[
        Annotated[str, one_of(NETWORKS)],
        Field(
            description="the network. Inception is one single network; InceptionTime averages five of them. LITEMV is "
            "LITE for several channels"
        ),
    ] = "Inception",
    filters: Annotated[
        int | None, Field(ge=1, le=10_000, description="filters of every convolution; absent: as aeon sets them")
    ] = None,
    kernel: Annotated[
        int | None,
        Field(ge=1, le=10_000, description="samples that the filters span; if they have several lengths, the longest"),
    ] = None,
    depth: Annotated[
        int | None,
        Field(
            ge=1,
            le=60,
            description="for Inception and TCN: number of blocks. Absent: aeon's 6; for TCN, as few as see the whole "
            "series",
        ),
    ] = None,
    batch_norm_momentum: Momentum = 0.99,
) -> keras.Model:
    """Build the network for inputs (time, channels), with a dense layer of the classes at its end.

    Raises:
        InputError: the network cannot be built for series of this length, or has no such size.
    """
    check(name=name, filters=filters, kernel=kernel, depth=depth)
    network = NETWORKS[name]
    sizes = {"filters": filters, "kernel": kernel, "depth": depth}
    settings: dict[str, Any] = {
        aeons: sizes[own] for own, aeons in network.sizes.items() if aeons and sizes[own] is not None
    }
    if name == "TCN":
        blocks = depth or _blocks(input_shape[0], kernel or _TCN_KERNEL)
        settings["n_blocks"] = [filters or _TCN_FILTERS] * blocks
    from aeon import networks
    from keras import Model, layers

    try:
        made = getattr(networks, network.kind)(**network.settings, **settings)
        series, hidden = made.build_network(input_shape)
    except Exception as error:  # aeon and Keras raise many kinds for series that are too short
        found = f"series of shape {format_shape(input_shape)} ({reason(error)})"
        raise InputError.unexpected(f"model aeon {name}", found, "longer series, or smaller sizes") from error
    if name == "TCN":  # aeon makes forecasts of the last step, by a dense layer with one unit for each channel
        hidden = Model(series, hidden).layers[-1].input
    _rename(Model(series, hidden), batch_norm_momentum)
    classes = layers.Dense(n_classes, activation="softmax", name="classes")(hidden)
    return Model(series, classes, name="aeon")


def _blocks(length: int, kernel: int) -> int:
    """Return the number of blocks with which the last step of a TCN sees the whole series.

    Two convolutions in each block, with dilations 1, 2, 4, …: together 1 + 2 (kernel - 1) (2^blocks - 1) samples.
    """
    blocks = 1
    while 1 + 2 * max(kernel - 1, 1) * (2**blocks - 1) < length:
        blocks += 1
    return blocks


def _rename(model: keras.Model, momentum: float) -> None:
    """Number the layers within this model: Keras numbers them through a process, and figures show the names.

    The momentum of batch normalisation is set, too.
    """
    number: Counter[str] = Counter()
    for step in model.operations:
        kind = type(step).__name__
        number[kind] += 1
        word = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.replace("ReLU", "Relu")).lower()
        step.name = "input" if kind == "InputLayer" else f"{word}_{number[kind]}"
        if kind == "BatchNormalization":
            step.momentum = momentum


def check(
    *, name: str, filters: int | None = None, kernel: int | None = None, depth: int | None = None, **others: Any
) -> None:
    """Refuse a size that the network does not have.

    Raises:
        InputError: such a size.
    """
    sizes = NETWORKS[name].sizes
    for key, value in (("filters", filters), ("kernel", kernel), ("depth", depth)):
        if value is not None and key not in sizes:
            having = [other for other, network in NETWORKS.items() if key in network.sizes]
            raise InputError.unexpected(
                f"aeon.{key}", f"{value} for {name}", f"nothing: only {comma_list(having)} take {key} here"
            )
    if name == "TCN" and kernel == 1:
        raise InputError.unexpected("aeon.kernel", "1 for TCN", "2 or more: with 1 no step sees another")


def features(*, name: str, **others: Any) -> tuple[str, ...]:
    """Return the features of the network."""
    return NETWORKS[name].features
