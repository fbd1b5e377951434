"""Layers whose answer for an example depends on more than the example, as a model's configuration tells of them.

What the configuration does not tell is found when the model is built (`same_function.require_function`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pellucid.errors import InputError

# Layers that act otherwise in training.
_TRAINING = re.compile(r"Dropout|BatchNormalization|Gaussian|Random|Spectral|AugMix|MixUp|CutMix|Solarization")


def check(layer: Mapping[str, Any], name: str, where: str) -> None:
    """Refuse a layer whose answer for an example depends on what it was asked before, on chance or on other examples.

    Args:
        layer: the configuration of a layer, or of anything else that loading a model would make.
        name: of the layer.
        where: what to call the model in a message.

    Raises:
        InputError: a stateful layer, or one that acts as in training whenever it is called.
    """
    own, kind = layer.get("config"), layer["class_name"]
    if isinstance(own, Mapping) and own.get("stateful") is True:
        raise InputError(
            where,
            f'layer "{name}" ({kind}) with stateful=True, whose answer depends on what it was asked before',
            "stateful=False: an explanation asks in any order",
            "A model with stateful=False takes the same weights: new_model.set_weights(model.get_weights()).",
        )
    calls = layer.get("inbound_nodes")
    if not any(_in_training(call) for call in (calls if isinstance(calls, list) else [])):
        return
    changing = next((inner for inner in _kinds(layer) if _TRAINING.search(inner)), None)
    if changing is not None:
        raise InputError(
            where,
            f'layer "{name}" ({kind if kind == changing else f"{kind} with {changing}"}) that is called with '
            "training=True, whose answer depends on chance or on the other examples of a batch",
            "a call without it",
        )


def _in_training(call: Any) -> bool:
    options = call.get("kwargs") if isinstance(call, Mapping) else None
    return isinstance(options, Mapping) and options.get("training") is True


def _kinds(content: Any) -> Iterator[str]:
    """The classes of a layer and of all inside it."""
    if isinstance(content, Mapping):
        if "class_name" in content:
            yield str(content["class_name"])
        for value in content.values():
            yield from _kinds(value)
    elif isinstance(content, list):
        for value in content:
            yield from _kinds(value)
