"""Read from the configuration of a model what shape its output has, without TensorFlow, while a run is planned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pellucid.errors import InputError
from pellucid.models.imported import config_graph, own_keys, step_choice
from pellucid.models.imported.archive import Config
from pellucid.network.graph import Node, tensors

# Layers of Keras that keep the number of axes.
_KEEPING = {
    "Activation", "ActivityRegularization", "AlphaDropout", "AveragePooling1D", "AveragePooling2D",
    "BatchNormalization", "Conv1D", "Conv1DTranspose", "Conv2D", "Conv2DTranspose", "Cropping1D", "Cropping2D",
    "Dense", "DepthwiseConv1D", "DepthwiseConv2D", "Dropout", "ELU", "GaussianDropout", "GaussianNoise",
    "GroupNormalization", "Identity", "LayerNormalization", "LeakyReLU", "Masking", "MaxPooling1D", "MaxPooling2D",
    "MultiHeadAttention", "Normalization", "PReLU", "Permute", "ReLU", "Rescaling", "SeparableConv1D",
    "SeparableConv2D", "Softmax", "SpatialDropout1D", "SpatialDropout2D", "UnitNormalization", "UpSampling1D",
    "UpSampling2D", "ZeroPadding1D", "ZeroPadding2D",
}  # fmt: skip
_JOINING = {"Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract"}
_RECURRENT = {"GRU", "LSTM", "SimpleRNN"}
# Last layers whose output has as many time steps as their input.
_KEEPING_STEPS = {"Activation", "Dense", "Dropout", "Softmax", "TimeDistributed"}


def shape(config: Config) -> tuple[int | None, ...] | None:
    """Return the shape of the output for one example, None for sizes that the configuration does not tell.

    None stands for a shape whose number of axes is not known either.
    """
    numbers: list[int | None] = []
    nodes = config_graph.nodes(config)
    for node in nodes:
        numbers.append(_axes(node, [numbers[source] for source in node.inputs]))
    if (number := numbers[-1]) is None or number < 1:
        return None
    sizes: list[int | None] = [None] * number
    if number == 2:
        sizes[0] = _steps(config, nodes)
    sizes[-1] = own_keys.number_of_outputs(config)
    return tuple(sizes)


def require_steps(config: Config, steps: step_choice.Steps | None, where: str) -> None:
    """Refuse a model with scores at every time step if no step is chosen, and steps that the output does not have.

    If the configuration does not tell, the job checks the model itself.

    Raises:
        InputError: such a model or steps, or an output of three axes or more.
    """
    output = shape(config)
    if output is None:
        return
    if len(output) > 2:
        found = f"an output of {len(output)} axes for one example, as of a model that segments images"
        raise InputError.unexpected(where, found, "one score for each class, label or value")
    if steps is None:
        step_choice.require_none(output, where)
    elif len(output) != 2 or None not in output:
        step_choice.resolved(steps, output, where)


def _axes(node: Node, before: Sequence[int | None]) -> int | None:
    """Return the number of axes of a node's output for one example; None where that is not known."""
    kind, settings = node.kind, node.config
    if not node.inputs:
        return len(node.shape)
    if node.container:
        return before[0]
    if not node.module.startswith("keras"):
        return None
    if kind in _KEEPING or (kind in _JOINING and len(set(before)) == 1):
        return before[0]
    if kind.startswith("Global"):
        return before[0] if settings.get("keepdims") else 1
    if kind in _RECURRENT:
        return 2 if settings.get("return_sequences") else 1
    if kind == "Flatten":
        return 1
    if kind == "Reshape":
        return len(settings["target_shape"])
    inner: Any = settings.get("layer")
    if kind == "Bidirectional" and isinstance(inner, dict) and inner["class_name"] in _RECURRENT:
        return 2 if inner["config"].get("return_sequences") else 1
    if kind == "TimeDistributed" and isinstance(inner, dict) and inner["class_name"] in _KEEPING:
        return before[0]
    return None


def _steps(config: Config, nodes: Sequence[Node]) -> int | None:
    """Return the number of time steps of an output with two axes, which is that of the last layer's input."""
    last = next(node for node in reversed(nodes) if not node.container)
    if last.kind not in _KEEPING_STEPS:
        return None
    saved = next((tensor["shape"] for tensor in tensors(last.arguments)), None) or _built_for(config, last.name)
    return saved[1] if isinstance(saved, list | tuple) and len(saved) == 3 and isinstance(saved[1], int) else None


def _built_for(config: Config, name: str) -> Any:
    """Return the input shape for which the layer of a name was built, with the batch axis; None if it is not saved."""
    for layer in config["config"]["layers"]:
        if "layers" in layer["config"] and (inside := _built_for(layer, name)) is not None:
            return inside
        if layer["config"].get("name") == name:
            return (layer.get("build_config") or {}).get("input_shape")
    return None
