"""Models whose inputs have the channels first: (N, channels, time) or (N, channels, height, width).

Methods and figures take the channels last. Such a model is explained with a layer before it that moves the axis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pellucid.models.imported import config_graph
from pellucid.models.imported.archive import Config

if TYPE_CHECKING:
    import keras

# Layers whose output has other axes than their input.
_REORDERING = ("Permute", "Reshape", "Flatten", "RepeatVector")


def is_first(config: Config, where: str) -> bool:
    """Return whether the first convolutions and poolings take the channels first."""
    nodes = config_graph.nodes(config, where)
    as_input = {0}
    for index, node in enumerate(nodes[1:], 1):
        layer = node.container or str(node.module).startswith("keras.layers")
        if not as_input & set(node.inputs) or not layer or node.kind in _REORDERING:
            continue
        if (order := node.config.get("data_format")) is not None:
            return str(order) == "channels_first"
        as_input.add(index)
    return False


def behind_permutation(model: keras.Model) -> keras.Model:
    """Return the model for inputs with the channels last; layers and weights are shared."""
    from keras import Input, Model, layers

    channels, *axes = model.inputs[0].shape[1:]
    inputs = Input((*axes, channels), name="channels_last")
    turned = layers.Permute((len(axes) + 1, *range(1, len(axes) + 1)), name="channels_first")(inputs)
    return Model(inputs, model(turned), name=model.name)
