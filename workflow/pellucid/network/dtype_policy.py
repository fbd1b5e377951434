"""Models in another floating-point precision, with the same weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pellucid.network import same_function
from pellucid.network.layers import copy_state

if TYPE_CHECKING:
    import keras


def recast(model: keras.Model, policy: str) -> keras.Model:
    """The same network with the same weights, computed in another precision; not compiled.

    The layer that puts out the class probabilities stays in float32: in bfloat16 they would have three digits.

    Args:
        model: built.
        policy: Keras' name of it, "float32" or "mixed_bfloat16". Of both, weights are kept in float32.

    Raises:
        InputError: the network is another function then.
    """
    fresh: keras.Model = type(model).from_config(_recast(model.get_config(), policy, _output_layers(model)))
    copy_state(model, fresh)
    same_function.hold(same_function.answers(model), fresh, f"computing in {policy}", f"model {model.name}")
    return fresh


def _output_layers(model: keras.Model) -> set[str]:
    """Names of the model's last layer, and of those inside it where it is itself a model."""
    last = model.outputs[0]._keras_history.operation if hasattr(model.outputs[0], "_keras_history") else model
    last = model.layers[-1] if last is model else last
    return _output_layers(last) if hasattr(last, "layers") else {last.name}


def _recast(config: Any, policy: str, kept: set[str]) -> Any:
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return {**config, "config": {"name": policy}}
        if isinstance(config.get("config"), dict) and config["config"].get("name") in kept:
            policy = "float32"
        return {key: _recast(value, policy, kept) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_recast(value, policy, kept) for value in config)
    return config
