"""Random small networks, each of which can be spelled in many ways that leave its function as it is.

A `Recipe` says what a network computes, a spelling how it is written down in Keras. `build` draws the weights from the
recipe's seed alone, so that two spellings of one recipe hold the same weights and are the same function.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

# "within" is the reference: `activation="relu"` wherever a layer takes it.
SPELLINGS = (
    "within",
    "apart",
    "operations",
    "maximum",
    "shared relu",
    "nested",
    "padded and cropped",
    "folded",
    "half precision",
    "fixed batch",
)


@dataclass(frozen=True)
class Block:
    """One part of a network.

    Attributes:
        kind: conv, depthwise, residual, branches, or pool.
        filters: feature maps that it puts out (not for depthwise and pool).
        kernel: positions per axis of its windows.
        stride: of its windows (conv alone).
        dilation: of its windows (conv alone, where the stride is 1).
        padding: valid, same or causal (conv alone).
        norm: whether a batch normalisation stands between each convolution and its ReLU.
    """

    kind: str
    filters: int
    kernel: int
    stride: int
    dilation: int
    padding: str
    norm: bool


@dataclass(frozen=True)
class Recipe:
    """What a network computes: its input's shape, its blocks, and its head ("pooled" or "flat")."""

    shape: tuple[int, ...]
    blocks: tuple[Block, ...]
    head: str
    seed: int
    classes: int = 3


@st.composite
def recipes(draw) -> Recipe:
    """A chain of one to three blocks over a series (24 × 2) or an image (12 × 12 × 1)."""
    shape = draw(st.sampled_from([(24, 2), (12, 12, 1)]))
    blocks = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["conv", "conv", "residual", "branches", "depthwise", "pool"]))
        stride = draw(st.sampled_from([1, 1, 2]))
        paddings = ["valid", "same"] + (["causal"] if len(shape) == 2 else [])
        blocks.append(
            Block(
                kind=kind,
                filters=draw(st.integers(2, 4)),
                kernel=draw(st.sampled_from([1, 2, 3])),
                stride=stride,
                dilation=draw(st.sampled_from([1, 2])) if stride == 1 else 1,
                padding=draw(st.sampled_from(paddings)),
                norm=draw(st.booleans()),
            )
        )
    if all(block.kind == "pool" for block in blocks):
        blocks[0] = Block("conv", 3, 3, 1, 1, "same", norm=False)
    return Recipe(shape, tuple(blocks), draw(st.sampled_from(["pooled", "flat"])), draw(st.integers(0, 2**16)))


def build(recipe: Recipe, spelling: str = "within"):
    """The Keras model of a recipe in a spelling; it ends in a softmax."""
    return _Builder(recipe, spelling).model()


class _Builder:
    """Writes one recipe down in one spelling."""

    def __init__(self, recipe: Recipe, spelling: str) -> None:
        import keras

        self.keras, self.recipe, self.spelling = keras, recipe, spelling
        self.axes = len(recipe.shape) - 1
        self.rng = np.random.default_rng(recipe.seed)
        self.relu_layer = keras.layers.ReLU(name="the_only_relu")
        self.number = 0

    def model(self):
        layers, recipe = self.keras.layers, self.recipe
        policy = self.keras.config.dtype_policy()
        if self.spelling == "half precision":
            self.keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            inputs = self._input()
            hidden = self._body(inputs)
            if recipe.head == "pooled":
                hidden = self._layer(f"GlobalAveragePooling{self.axes}D")(hidden)
            else:
                hidden = layers.Flatten()(hidden)
            width = hidden.shape[-1]
            weights = [self._draw(width, recipe.classes), self._draw(recipe.classes)]
            outputs = self._apply(layers.Dense(recipe.classes, activation="softmax", dtype="float32"), weights, hidden)
        finally:
            self.keras.config.set_dtype_policy(policy)
        return self.keras.Model(inputs, outputs, name="network")

    def _input(self):
        if self.spelling == "fixed batch":
            return self.keras.Input(batch_shape=(3, *self.recipe.shape))
        return self.keras.Input(self.recipe.shape)

    def _body(self, inputs):
        if self.spelling != "nested":
            return self._blocks(inputs)
        inner = self.keras.Input(self.recipe.shape)
        return self.keras.Model(inner, self._blocks(inner), name="body")(inputs)

    def _blocks(self, hidden):
        for block in self.recipe.blocks:
            if self.spelling == "padded and cropped":
                hidden = self._layer(f"ZeroPadding{self.axes}D", 3)(hidden)
                hidden = self._layer(f"Cropping{self.axes}D", 3)(hidden)
            hidden = getattr(self, f"_{block.kind}")(hidden, block)
        return hidden

    def _conv(self, hidden, block):
        smallest = (min(hidden.shape[1:-1]) - 1) // block.dilation + 1
        kernel = min(block.kernel, smallest)
        return self._convolved(hidden, block, kernel, padding=block.padding, stride=block.stride, rate=block.dilation)

    def _depthwise(self, hidden, block):
        return self._convolved(hidden, block, block.kernel, depthwise=True)

    def _residual(self, hidden, block):
        long = self._convolved(hidden, block, block.kernel)
        long = self._convolved(long, block, block.kernel, relu=False)
        # The shortcut is written last, so that it is the last convolution in the order of the model's layers.
        short = self._convolved(hidden, block, 1, relu=False)
        return self._relu(self.keras.layers.Add()([long, short]))

    def _branches(self, hidden, block):
        branches = [self._convolved(hidden, block, block.kernel), self._convolved(hidden, block, 1)]
        return self.keras.layers.Concatenate()(branches)

    def _pool(self, hidden, block):
        if min(hidden.shape[1:-1]) < 2:
            return hidden
        return self._layer(f"MaxPooling{self.axes}D", 2)(hidden)

    def _convolved(self, hidden, block, kernel, *, relu=True, depthwise=False, padding="same", stride=1, rate=1):
        """A convolution, its normalisation if it has one, and its ReLU if it has one."""
        maps = hidden.shape[-1]
        filters = maps if depthwise else block.filters
        size = (kernel,) * self.axes
        weights = [self._draw(*size, maps, 1 if depthwise else filters), self._draw(filters)]
        norm = [1 + 0.3 * self._draw(filters), self._draw(filters), self._draw(filters), 0.5 + self._draw(filters) ** 2]
        folded = block.norm and self.spelling == "folded"
        if folded:
            factor = norm[0] / np.sqrt(norm[3] + 1e-3)
            weights[0] = weights[0] * (factor[:, np.newaxis] if depthwise else factor)
            weights[1] = (weights[1] - norm[2]) * factor + norm[1]
        apart = block.norm and not folded
        within = relu and not apart and self.spelling in ("within", "nested", "folded", "half precision", "fixed batch")
        options = {
            "padding": padding,
            "strides": stride,
            "dilation_rate": rate,
            "activation": "relu" if within else None,
        }
        if depthwise:
            layer = self._layer(f"DepthwiseConv{self.axes}D", kernel, **options)
        else:
            layer = self._layer(f"Conv{self.axes}D", filters, kernel, **options)
        hidden = self._apply(layer, weights, hidden)
        if apart:
            hidden = self._apply(self.keras.layers.BatchNormalization(), norm, hidden)
        return self._relu(hidden) if relu and not within else hidden

    def _relu(self, hidden):
        keras = self.keras
        if self.spelling == "operations":
            return keras.ops.relu(hidden)
        if self.spelling == "maximum":
            return keras.ops.maximum(hidden, 0.0)
        if self.spelling == "shared relu":
            return self.relu_layer(hidden)
        return (keras.layers.ReLU() if self.spelling == "apart" else keras.layers.Activation("relu"))(hidden)

    def _layer(self, kind, *arguments, **options):
        return getattr(self.keras.layers, kind)(*arguments, **options)

    def _apply(self, layer, weights, hidden):
        output = layer(hidden)
        layer.set_weights(weights)
        return output

    def _draw(self, *shape):
        """Weights that keep the size of what passes through them."""
        fan = max(1, int(np.prod(shape[:-1])))
        return (self.rng.standard_normal(shape) / np.sqrt(fan)).astype(np.float32)
