"""A model that was made elsewhere, so that every stage can work with it: 32-bit numbers, open batches, plain names."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from pellucid.errors import InputError
from pellucid.network import same_function
from pellucid.network.layers import copy_state

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

# What TensorFlow allows in the name of a scope: a model is compiled under the names of its layers.
_PLAIN = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.-]*")


def tidied(model: keras.Model, where: str = "model") -> keras.Model:
    """The same model with the same weights; itself, where nothing is to be done.

    Layers compute in 32-bit numbers: explanations are small differences, which 16-bit activations round away. Batches
    may have any size. Every layer has a name of its own that TensorFlow can compile: nested models may hold layers of
    the same names, of which only one could be reached.

    Args:
        model: Sequential or functional, built. Its layers may be renamed.
        where: what to call it in a message.

    Raises:
        InputError: the model is another function then, or none: it answers differently when it is asked again, or in
            another batch.
    """
    renamed = _rename(model, (), set(), set())
    before = model.get_config()
    after = _plain(before)
    if after == before and not renamed:
        same_function.require_function(model, where)
        return model
    made = _made(model, after, where)
    if after != before:
        logger.info("the model computes in 32-bit numbers here, for batches of any size")
    for old, new in renamed:
        logger.info('layer "%s" is called "%s" here', old, new)
    return made


def _made(model: keras.Model, config: Any, where: str) -> keras.Model:
    """The model made anew from a configuration, held to be the same function."""
    step = "opening its batch axis and computing in 32-bit numbers"
    try:
        answers = same_function.answers(model)
    except Exception as error:  # Keras raises many kinds; all mean the same here
        found = f"a model that cannot be called ({same_function.reason(error)})"
        raise InputError.unexpected(where, found, "one that can") from error
    try:
        made: keras.Model = type(model).from_config(config)
        copy_state(model, made)
    except Exception as error:
        found = f"a model that fails after {step} ({same_function.reason(error)})"
        raise InputError.unexpected(where, found, "one that takes batches of any size") from error
    same_function.require_function(made, where)
    same_function.hold(answers, made, step, where)
    return made


def _rename(model: Any, within: tuple[str, ...], taken: set[str], seen: set[int]) -> list[tuple[str, str]]:
    """Give layers whose name cannot be kept another one; (old name, new name) of each."""
    renamed = []
    if not within and not _PLAIN.fullmatch(model.name):
        renamed.append((model.name, _allowed(model.name)))
        model.name = renamed[-1][1]
    for layer in model.layers:
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        old = layer.name
        tries = [_allowed(old), _allowed("_".join((*within, old)))]
        tries += [f"{tries[-1]}_{number}" for number in range(2, len(taken) + 3)]
        layer.name = next(name for name in tries if name not in taken)
        taken.add(layer.name)
        # Nobody asks for the input of a nested model.
        if layer.name != old and not (within and type(layer).__name__ == "InputLayer"):
            renamed.append(("/".join((*within, old)), layer.name))
        if hasattr(layer, "layers"):
            renamed += _rename(layer, (*within, old), taken, seen)
    return renamed


def _allowed(name: str) -> str:
    if _PLAIN.fullmatch(name):
        return name
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_-") or "layer"


def _plain(content: Any) -> Any:
    """A configuration with every policy of numbers as float32, and open batch axes."""
    if isinstance(content, dict):
        if content.get("class_name") == "DTypePolicy":
            return {**content, "config": {"name": "float32"}}
        found = {key: _plain(value) for key, value in content.items()}
        if isinstance(found.get("dtype"), str) and "float" in found["dtype"]:
            found["dtype"] = "float32"
        if found.get("batch_shape"):
            found["batch_shape"] = type(found["batch_shape"])((None, *found["batch_shape"][1:]))
        return found
    if isinstance(content, list | tuple):
        return type(content)(_plain(value) for value in content)
    return content
