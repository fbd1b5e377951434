"""What a `.keras` file says of its model without loading it: a zip archive whose `config.json` describes every layer.

Read while the workflow is planned, when TensorFlow must not be imported, and before anything in the file may run.
Layout: https://keras.io/api/models/model_saving_apis/model_saving_and_loading
"""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pellucid.errors import InputError
from pellucid.messages import comma_list, first_line, format_shape
from pellucid.models.imported import activations, bounded_json, config_graph, hdf5, keras_zip, sizes
from pellucid.models.imported.config_graph import odd_refused
from pellucid.network.places import Places

Config = Mapping[str, Any]

# What can be read out of a file, of what `base.ModelSpec.features` knows.
FEATURES = ("conv", "relu", "rescale_rule", "gap")

# Layers that run code, or load it from elsewhere, when the model is loaded or called.
_CODE = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")


@dataclass(frozen=True)
class Archive:
    """A `.keras` file that was looked over.

    Attributes:
        config: what `config.json` says of the model.
        stored: how many numbers its weights file holds.
    """

    config: dict[str, Any]
    stored: int


def read(path: Path | str) -> dict[str, Any]:
    """The configuration of the model in a `.keras` file.

    Raises:
        InputError: what `look_over` refuses.
    """
    return look_over(path).config


def look_over(path: Path | str) -> Archive:
    """Read the configuration of the model in a `.keras` file, and what its weights file holds.

    Raises:
        InputError: no such archive, one that is cut off, damaged or unusual (`keras_zip`), a configuration beyond all
            bounds (`bounded_json`), weights that are no plain numbers (`hdf5`), or fewer than a layer has.
    """
    expected = "a .keras file, as model.save(…) of Keras 3 writes it"
    where = str(path)
    try:
        with keras_zip.opened(path) as content:
            try:
                config = bounded_json.loads(content.config)
            except ValueError as error:
                raise ValueError(f"{keras_zip.CONFIG}: {first_line(error)}") from None
            with hdf5.opened(content.weights, f"{where}, {keras_zip.WEIGHTS}", expected) as weights:
                stored = sum(math.prod(shape) for shape in hdf5.shapes(weights).values())
    except InputError:
        raise
    except (OSError, LookupError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        reason = f"a file that cannot be read ({first_line(error)})"
        raise InputError.unexpected(where, reason, expected, _other_format(path)) from None
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict):
        raise InputError.unexpected(where, "a config.json that describes no model", expected)
    with odd_refused(where):
        # Of a model that was never built there are no weights, which `check` tells.
        for name, found in _objects(config, "") if stored else ():
            if isinstance(own := found.get("config"), Mapping) and str(found.get("module")).startswith("keras.layers"):
                sizes.check(own, str(found["class_name"]), name, stored, where)
    return Archive(config, stored)


_ALLOW = "If you trust whoever made it, allow_code: true lets it run, with all that you may do yourself."


def check(config: Config, where: str, *, allow_code: bool = False, hint: str = _ALLOW) -> None:
    """Refuse what cannot be loaded safely, or explained: code, classes of others, more than one input or output.

    Args:
        config: of a model, from `read` or `json.loads(model.to_json())`.
        where: what to call the model in a message.
        allow_code: let layers pass that are code.
        hint: what to do about code.

    Raises:
        InputError: as said.
    """
    with odd_refused(where):
        _check(config, where, allow_code, hint)


def _check(config: Config, where: str, allow_code: bool, hint: str) -> None:
    for name, found in _objects(config, ""):
        own, module = found.get("config"), found.get("module")
        kind = str(found["class_name"])
        # Keras saves a lambda as the bytes of its code, under no name.
        if isinstance(own, Mapping) and any(_is_nameless(own[key]) for key in own if key.endswith("activation")):
            kind = "__lambda__"
        if kind in (*_CODE, "__lambda__"):
            if not allow_code:
                raise InputError.unexpected(
                    where,
                    f'code: layer "{name}" ({"a lambda" if kind == "__lambda__" else kind})',
                    "layers of Keras, without code in them",
                    hint,
                )
        elif not kind.startswith("__") and str(module).split(".")[0] != "keras":
            of = "" if module in (None, "builtins") else f" of {module}"
            raise InputError.unexpected(
                where,
                f'"{found.get("registered_name") or kind}"{of}, in "{name}"',
                "layers, activations and models that Keras has itself",
                "What is only in your own code cannot be loaded without it.",
            )
        if isinstance(own, Mapping) and own.get("stateful") is True:
            raise InputError.unexpected(
                where,
                f'layer "{name}" ({kind}) with stateful=True, whose answer depends on what it was asked before',
                "stateful=False: an explanation asks in any order",
                "A model with stateful=False takes the same weights: new_model.set_weights(model.get_weights()).",
            )
    if "layers" not in config["config"]:
        raise InputError.unexpected(
            where, f"a model of the class {config.get('class_name')}", "a Sequential or functional model"
        )
    for key, word in (("input_layers", "inputs"), ("output_layers", "outputs")):
        if (number := len(config_graph.ends(config["config"].get(key, ["", 0, 0])))) != 1:
            raise InputError.unexpected(where, f"{number} {word}", "one")
    input_shape(config, where)


def input_shape(config: Config, where: str) -> tuple[int, ...]:
    """Of one example, without the batch axis.

    Raises:
        InputError: a model that was never built, or an axis whose size is open.
    """
    names = {name for name, _, _ in config_graph.ends(config["config"].get("input_layers", []))}
    shape = config["config"].get("build_input_shape")
    for layer in config["config"]["layers"]:
        if layer["class_name"] == "InputLayer" and (not names or layer["config"]["name"] in names):
            shape = layer["config"].get("batch_shape") or layer["config"].get("batch_input_shape")
            break
    if not shape or isinstance(shape, Mapping):
        raise InputError.unexpected(
            where, "a model whose input sizes are not known", "one that was built before it was saved"
        )
    if None in shape[1:]:
        found = f"inputs of shape {format_shape(shape[1:])}"
        raise InputError.unexpected(where, found, "sizes that are all known: keras.Input with the data's own")
    if not all(isinstance(size, int) and not isinstance(size, bool) and size > 0 for size in shape[1:]):
        raise InputError.unexpected(where, f"inputs of shape {format_shape(shape[1:])}", "whole numbers from 1")
    return tuple(shape[1:])


def require_shape(config: Config, where: str, wanted: Sequence[int], whose: str) -> None:
    """Refuse a model for inputs of another shape.

    Args:
        config, where: as `check` has them.
        wanted: of one example, without the batch axis.
        whose: what the message says of this shape, after "the shape".

    Raises:
        InputError: as said, or what `input_shape` refuses.
    """
    own = input_shape(config, where)
    if own != tuple(wanted):
        raise InputError.unexpected(
            where, f"a model for inputs of {format_shape(own)}", f"{format_shape(wanted)}, the shape {whose}"
        )


def features(config: Config, where: str) -> tuple[str, ...]:
    """What methods may require of the model, as `base.ModelSpec.features` has it."""
    with odd_refused(where):
        nodes = config_graph.nodes(config, where)
        places = Places(nodes, input_shape(config, where)[:-1])
        found = {
            "conv": bool(places.ends),
            "relu": activations.has_relus(nodes),
            "rescale_rule": activations.has_multipliers(nodes),
            "gap": places.pooled is not None,
        }
    return tuple(name for name in FEATURES if found[name])


def _objects(content: Any, name: str) -> Iterator[tuple[str, Config]]:
    """Everything that loading would make, with the name of the layer that it belongs to."""
    if isinstance(content, Mapping):
        if "class_name" in content:
            own = content.get("config")
            name = (own.get("name") if isinstance(own, Mapping) else None) or name
            yield name, content
        for key, value in content.items():
            if key != "compile_config":  # what a training needs is not loaded
                yield from _objects(value, name)
    elif isinstance(content, list):
        for value in content:
            yield from _objects(value, name)


def _is_nameless(activation: Any) -> bool:
    return isinstance(activation, Mapping) and "class_name" not in activation


def _other_format(path: Path | str) -> str:
    """What to do with a model in another format, if it is one."""
    try:
        with Path(path).open("rb") as file:
            start = file.read(8)
    except OSError:
        return ""
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        return f'This is HDF5: keras.models.load_model("{Path(path).name}").save("model.keras") converts it.'
    return ""


def lacking(wanted: Sequence[str], config: Config, where: str) -> None:
    """Refuse features that were declared for a model that has them not.

    Raises:
        InputError: as said.
    """
    found = features(config, where)
    if missing := [name for name in wanted if name not in found]:
        raise InputError.unexpected(
            f"{where}: features", f"{comma_list(missing)}, which the model has not", comma_list(found) or "[]"
        )
