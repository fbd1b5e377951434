"""InceptionTime as the PTB-XL benchmark trains it: parallel convolutions of three sizes, and residual connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pellucid.models.base import ModelSpec, Momentum, require_size
from pellucid.models.published import ptbxl_networks
from pellucid.models.published.ptbxl_networks import Dropout, Hidden, bare_convolution, convolution, normalised

if TYPE_CHECKING:
    import keras

SPEC = ModelSpec(
    title="InceptionTime for ECGs: blocks of convolutions of three sizes side by side",
    kinds=("series",),
    features=("conv", "relu", "rescale_rule"),
    source=f"{ptbxl_networks.SOURCE}, its inception1d, after Ismail Fawaz H, Lucas B, Forestier G, Pelletier C, "
    "Schmidt DF, Weber J, et al. InceptionTime: Finding AlexNet for Time Series Classification. Data Min Knowl Discov "
    "34:1936-1962 (2020). architecture: aeon with name: Inception is the network of that paper itself",
)

_RESIDUAL = 3  # blocks that a residual connection leads around


def build(
    input_shape: tuple[int, ...],
    n_classes: int,
    *,
    depth: Annotated[
        int,
        Field(
            ge=3, le=60, multiple_of=3, description="number of blocks; a residual connection leads around every three"
        ),
    ] = 6,
    filters: Annotated[int, Field(ge=1, le=10_000, description="filters of each of the four branches of a block")] = 32,
    bottleneck: Annotated[
        int, Field(ge=1, le=10_000, description="number of filters of length 1 before the convolutions of a block")
    ] = 32,
    kernel: Annotated[
        int,
        Field(
            ge=8,
            le=10_000,
            description="samples that the longest filters span; the others span half and a quarter of it. An even "
            "number is lowered by one: 40 makes 39, 19 and 9",
        ),
    ] = 40,
    hidden: Hidden = 128,
    dropout: Dropout = 0.5,
    batch_norm_momentum: Momentum = 0.9,
) -> keras.Model:
    """Build the network for inputs (time, channels); every layer keeps the number of steps."""
    from keras import Input, Model, layers

    require_size("inception1d", input_shape, 1)
    momentum = batch_norm_momentum
    series = Input(input_shape, name="input")
    maps: Any = series
    before: Any = series
    for block in range(1, depth + 1):
        maps = _block(maps, filters, bottleneck, kernel, f"block_{block}", momentum)
        if block % _RESIDUAL == 0:
            name = f"residual_{block // _RESIDUAL}"
            around = convolution(before, 4 * filters, 1, name, momentum=momentum, relu=False)
            maps = layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([maps, around]))
            before = maps
    classes = ptbxl_networks.head(maps, n_classes, hidden=hidden, dropout=dropout, momentum=momentum)
    return Model(series, classes, name="inception1d")


def _block(maps: Any, filters: int, bottleneck: int, kernel: int, name: str, momentum: float) -> Any:
    """Return the maps of three convolutions behind a bottleneck, and of one behind a maximum, side by side."""
    from keras import layers

    narrow = bare_convolution(maps, bottleneck, 1, f"{name}_bottleneck")
    branches = []
    for number, size in enumerate((kernel, kernel // 2, kernel // 4), start=1):
        branches.append(bare_convolution(narrow, filters, size - (size % 2 == 0), f"{name}_{number}"))
    highest = layers.MaxPooling1D(3, strides=1, padding="same", name=f"{name}_pool")(maps)
    branches.append(bare_convolution(highest, filters, 1, f"{name}_4"))
    joined = normalised(layers.Concatenate(name=f"{name}_joined")(branches), name, momentum)
    return layers.ReLU(name=f"{name}_relu")(joined)
