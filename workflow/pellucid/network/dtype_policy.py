"""Rebuild a model in another floating-point precision, with the same weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pellucid.network import same_function
from pellucid.network.layers import copy_state, last_layer

if TYPE_CHECKING:
    import keras


def recast(model: keras.Model, policy: str) -> keras.Model:
    """Return the same network with the same weights, computed in another precision; not compiled.

    The layer that puts out the class probabilities stays in float32: in bfloat16 they would have three digits only.

    Args:
        model: built.
        policy: Keras' name of the precision, "float32" or "mixed_bfloat16". Both keep the weights in float32.

    Raises:
        InputError: the rebuilt network computes another function.
    """
    fresh: keras.Model = type(model).from_config(_recast(model.get_config(), policy, last_layer(model).name))
    copy_state(model, fresh)
    same_function.hold(same_function.answers(model), fresh, f"computing in {policy}", f"model {model.name}")
    return fresh


def _recast(config: Any, policy: str, output_layer: str) -> Any:
    """Return a configuration with another policy for all layers except the one that makes the output."""
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return {**config, "config": {"name": policy}}
        if isinstance(config.get("config"), dict) and config["config"].get("name") == output_layer:
            policy = "float32"
        return {key: _recast(value, policy, output_layer) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_recast(value, policy, output_layer) for value in config)
    return config
