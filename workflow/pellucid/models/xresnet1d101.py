"""XResNet-101 for series: the deepest network of the PTB-XL benchmark, and the best of its residual ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pellucid.models.base import ModelSpec, Momentum, require_size
from pellucid.models.published import ptbxl_networks
from pellucid.models.published.ptbxl_networks import Dropout, Hidden, convolution

if TYPE_CHECKING:
    import keras

SPEC = ModelSpec(
    title="XResNet-101 for series: 33 bottleneck blocks behind a stem of three convolutions",
    kinds=("series",),
    features=("conv", "relu", "rescale_rule"),
    source=f"{ptbxl_networks.SOURCE}, its xresnet1d101, after He T, Zhang Z, Zhang H, Zhang Z, Xie J, Li M. Bag of "
    "Tricks for Image Classification with Convolutional Neural Networks. CVPR (2019), section 4",
)

_EXPANSION = 4  # filters that a block puts out, for each that it convolves with


def build(
    input_shape: tuple[int, ...],
    n_classes: int,
    *,
    blocks: Annotated[
        Sequence[Annotated[int, Field(ge=1, le=100)]],
        Field(
            min_length=1,
            max_length=10,
            description="blocks of each stage; [3, 4, 6, 3] is xresnet1d50, [3, 8, 36, 3] xresnet1d152",
        ),
    ] = (3, 4, 23, 3),
    filters: Annotated[
        int,
        Field(
            ge=4,
            le=10_000,
            multiple_of=4,
            description="filters of the convolutions in a block; the block puts out four times as many",
        ),
    ] = 64,
    kernel: Annotated[int, Field(ge=1, le=1_000, description="samples that each filter spans; odd")] = 5,
    hidden: Hidden = 128,
    dropout: Dropout = 0.5,
    batch_norm_momentum: Momentum = 0.9,
) -> keras.Model:
    """Build the network for inputs (time, channels).

    Every stage but the first halves the number of steps, as the stem does twice.

    Raises:
        InputError: too few samples for one step at the end.
    """
    from keras import Input, Model, layers

    require_size("xresnet1d101", input_shape, 2 ** (len(blocks) + 1))
    momentum = batch_norm_momentum
    series = Input(input_shape, name="input")
    maps: Any = series
    for number, count in enumerate((filters // 2, filters // 2, filters), start=1):
        stride = 2 if number == 1 else 1
        maps = convolution(maps, count, kernel, f"stem_{number}", stride=stride, momentum=momentum)
    # Behind a ReLU zeros at the edges change no maximum.
    maps = layers.MaxPooling1D(3, strides=2, name="stem_pool")(layers.ZeroPadding1D(1, name="stem_pool_pad")(maps))
    for stage, number in enumerate(blocks, start=1):
        for block in range(1, number + 1):
            stride = 2 if stage > 1 and block == 1 else 1
            maps = _block(maps, filters, kernel, f"stage_{stage}_block_{block}", stride, momentum)
    classes = ptbxl_networks.head(maps, n_classes, hidden=hidden, dropout=dropout, momentum=momentum)
    return Model(series, classes, name="xresnet1d101")


def _block(maps: Any, filters: int, kernel: int, name: str, stride: int, momentum: float) -> Any:
    """Return the maps after one bottleneck block; if it strides, its residual connection averages pairs of steps."""
    from keras import layers

    wide = _EXPANSION * filters
    hidden = convolution(maps, filters, 1, f"{name}_1", momentum=momentum)
    hidden = convolution(hidden, filters, kernel, f"{name}_2", stride=stride, momentum=momentum)
    hidden = convolution(hidden, wide, 1, f"{name}_3", momentum=momentum, relu=False)
    around = maps
    if stride > 1:
        # The last of an odd number of steps has no partner: "same" gives its mean with nothing, which is itself.
        around = layers.AveragePooling1D(stride, padding="same", name=f"{name}_around_pool")(around)
    if maps.shape[-1] != wide:
        around = convolution(around, wide, 1, f"{name}_around", momentum=momentum, relu=False)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([hidden, around]))


def check(*, kernel: int, **others: object) -> None:
    """Refuse an even size of the filters.

    Raises:
        InputError: such a size.
    """
    ptbxl_networks.require_odd("xresnet1d101.kernel", kernel)
