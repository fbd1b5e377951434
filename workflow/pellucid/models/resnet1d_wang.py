"""The residual network of Wang et al. as the PTB-XL benchmark trains it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pellucid.models.base import ModelSpec, Momentum, require_size
from pellucid.models.published import ptbxl_networks
from pellucid.models.published.ptbxl_networks import Dropout, Hidden, convolution

if TYPE_CHECKING:
    import keras

SPEC = ModelSpec(
    title="ResNet of Wang et al. for series: three blocks of two convolutions",
    kinds=("series",),
    features=("conv", "relu", "rescale_rule"),
    source=f"{ptbxl_networks.SOURCE}, its resnet1d_wang, after Wang Z, Yan W, Oates T. Time Series Classification "
    "from Scratch with Deep Neural Networks: A Strong Baseline. IJCNN (2017)",
)

_BLOCKS, _STEM = 3, 7


def build(
    input_shape: tuple[int, ...],
    n_classes: int,
    *,
    filters: Annotated[int, Field(ge=1, le=10_000, description="filters of every convolution")] = 128,
    kernel: Annotated[
        int,
        Field(
            ge=1,
            le=1_000,
            description="samples that the filters of the first convolution of each block span; odd. The filters of "
            "the second convolution span half as many and one; those of the first layer span 7",
        ),
    ] = 5,
    hidden: Hidden = 128,
    dropout: Dropout = 0.5,
    batch_norm_momentum: Momentum = 0.9,
) -> keras.Model:
    """Build the network for inputs (time, channels); the second and the third block halve the number of steps.

    Raises:
        InputError: too few samples for one step at the end.
    """
    from keras import Input, Model

    require_size("resnet1d_wang", input_shape, 2 ** (_BLOCKS - 1))
    momentum = batch_norm_momentum
    series = Input(input_shape, name="input")
    maps = convolution(series, filters, _STEM, "stem", momentum=momentum)
    for block in range(1, _BLOCKS + 1):
        maps = _block(maps, filters, kernel, f"block_{block}", 1 if block == 1 else 2, momentum)
    classes = ptbxl_networks.head(maps, n_classes, hidden=hidden, dropout=dropout, momentum=momentum)
    return Model(series, classes, name="resnet1d_wang")


def _block(maps: Any, filters: int, kernel: int, name: str, stride: int, momentum: float) -> Any:
    """Return the maps after one block; if it strides, its residual connection is a convolution of one sample."""
    from keras import layers

    hidden = convolution(maps, filters, kernel, f"{name}_1", stride=stride, momentum=momentum)
    hidden = convolution(hidden, filters, kernel // 2 + 1, f"{name}_2", momentum=momentum, relu=False)
    around = maps
    if stride > 1:
        around = convolution(maps, filters, 1, f"{name}_around", stride=stride, momentum=momentum, relu=False)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([hidden, around]))


def check(*, kernel: int, **others: object) -> None:
    """Refuse even sizes of filters: the residual connection of a block would have another length than the block.

    Raises:
        InputError: such a size.
    """
    ptbxl_networks.require_odd("resnet1d_wang.kernel", kernel)
    ptbxl_networks.require_odd("resnet1d_wang.kernel, halved and one more", kernel // 2 + 1)
