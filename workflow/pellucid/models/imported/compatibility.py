"""Make a model from elsewhere usable by every stage: 32-bit numbers, batches of any size, plain and unique names."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from pellucid.errors import InputError
from pellucid.network import same_function
from pellucid.network.layers import copy_state, nested
from pellucid.network.named_inputs import ends

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

# Names that TensorFlow allows for a scope: a model is compiled under the names of its layers.
_VALID = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.-]*")


def make_compatible(model: keras.Model, where: str = "model") -> keras.Model:
    """Return the model with the same weights, rebuilt only where it has to change.

    Layers compute in 32-bit numbers: explanations are small differences, which 16-bit activations round away. Batches
    may have any size. Every layer gets a unique name that TensorFlow can compile: nested models may hold layers of the
    same name, and only one of them could be reached.

    Args:
        model: Sequential or functional, built. Its layers may be renamed.
        where: name of the model in messages.

    Raises:
        InputError: the rebuilt model computes another function, or the output for an input depends on the call or on
            the batch.
    """
    model = _with_plain_output(model)
    renamed = _rename(model, (), set(), set())
    before = model.get_config()
    after = _single_precision(before)
    if after == before and not renamed:
        same_function.require_function(model, where)
        return model
    rebuilt = _rebuilt(model, after, where)
    if after != before:
        logger.info("the model computes in 32-bit numbers here, for batches of any size")
    for old, new in renamed:
        logger.info('layer "%s" is called "%s" here', old, new)
    return rebuilt


def _with_plain_output(model: keras.Model) -> keras.Model:
    """Return a model whose only output has no name: {"classes": output} becomes the output itself."""
    from keras import Model

    if not isinstance(getattr(model, "_outputs_struct", None), dict | list | tuple):
        return model
    return Model(ends(model), model.outputs[0], name=model.name)


def _rebuilt(model: keras.Model, config: Any, where: str) -> keras.Model:
    """Return the model rebuilt from a configuration, after a comparison of both functions."""
    step = "opening its batch axis and computing in 32-bit numbers"
    try:
        answers = same_function.answers(model)
    except Exception as error:  # Keras raises many kinds; all mean the same here
        found = f"a model that cannot be called ({same_function.reason(error)})"
        raise InputError.unexpected(where, found, "one that can") from error
    try:
        rebuilt: keras.Model = type(model).from_config(config)
        copy_state(model, rebuilt)
    except Exception as error:
        found = f"a model that fails after {step} ({same_function.reason(error)})"
        raise InputError.unexpected(where, found, "one that takes batches of any size") from error
    same_function.require_function(rebuilt, where)
    same_function.hold(answers, rebuilt, step, where)
    return rebuilt


def _rename(model: Any, within: tuple[str, ...], taken: set[str], seen: set[int]) -> list[tuple[str, str]]:
    """Rename layers whose name is invalid or taken; return (old name, new name) of each."""
    renamed = []
    if not within and len(model.inputs) > 1:
        # The names of several inputs are those of the data: a layer of the same name gets another one.
        taken |= {str(tensor.name) for tensor in model.inputs}
        seen |= {id(model.get_layer(tensor.name)) for tensor in model.inputs}
    if not within and not _VALID.fullmatch(model.name):
        renamed.append((model.name, _valid(model.name)))
        model.name = renamed[-1][1]
    for layer in model.layers:
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        old = layer.name
        candidates = [_valid(old), _valid("_".join((*within, old)))]
        candidates += [f"{candidates[-1]}_{number}" for number in range(2, len(taken) + 3)]
        layer.name = next(name for name in candidates if name not in taken)
        taken.add(layer.name)
        # No message about the input of a nested model: no method uses it.
        if layer.name != old and not (within and type(layer).__name__ == "InputLayer"):
            renamed.append(("/".join((*within, old)), layer.name))
        if nested(layer):
            renamed += _rename(layer, (*within, old), taken, seen)
    return renamed


def _valid(name: str) -> str:
    if _VALID.fullmatch(name):
        return name
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_-") or "layer"


def _single_precision(content: Any) -> Any:
    """Return a configuration with float32 for every policy and batches of any size."""
    if isinstance(content, dict):
        if content.get("class_name") == "DTypePolicy":
            return {**content, "config": {"name": "float32"}}
        changed = {key: _single_precision(value) for key, value in content.items()}
        if isinstance(changed.get("dtype"), str) and "float" in changed["dtype"]:
            changed["dtype"] = "float32"
        if changed.get("batch_shape"):
            changed["batch_shape"] = type(changed["batch_shape"])((None, *changed["batch_shape"][1:]))
        return changed
    if isinstance(content, list | tuple):
        return type(content)(_single_precision(value) for value in content)
    return content
