"""Read and check a `.keras` file without loading its model: a zip archive whose `config.json` describes every layer.

This happens while the workflow is planned, without TensorFlow, and before any code in the file may run.
Layout: https://keras.io/api/models/model_saving_apis/model_saving_and_loading
"""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pellucid.errors import InputError
from pellucid.features import with_implied
from pellucid.messages import comma_list, first_line, format_shape
from pellucid.models.imported import (
    activations,
    bounded_json,
    config_graph,
    declared_sizes,
    dtypes,
    hdf5,
    input_sizes,
    keras_zip,
)
from pellucid.models.imported.config_graph import refuse_inconsistent
from pellucid.network.map_layers import Places
from pellucid.network.token_graph import has_token_graph

Config = Mapping[str, Any]
Shapes = Mapping[str, tuple[int, ...]]

FEATURES = ("conv", "relu", "rescale_rule", "relevance_rule", "gap", "self_attention")  # that a file shows

# Layers that run or load code when the model is loaded or called.
_CODE = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")


@dataclass(frozen=True)
class Archive:
    """A `.keras` file that was checked.

    Attributes:
        config: of the model, from `config.json`.
        stored: number of values in its weights file.
    """

    config: dict[str, Any]
    stored: int


def read(path: Path | str) -> dict[str, Any]:
    """Return the configuration of the model in a `.keras` file.

    Raises:
        InputError: `look_over` refuses the file.
    """
    return look_over(path).config


def look_over(path: Path | str) -> Archive:
    """Return the configuration of the model in a `.keras` file and the number of its stored weights.

    Raises:
        InputError: the archive is missing, truncated, damaged or unusual (`keras_zip`), the configuration is beyond all
            limits (`bounded_json`), weights are not plain numbers (`hdf5`), or fewer than a layer needs.
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
        if advice := keras_zip.of_hdf5(path):
            reason = "a model in the older format HDF5 (.h5)"
        raise InputError.unexpected(where, reason, expected, advice) from None
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict):
        raise InputError.unexpected(where, "a config.json that describes no model", expected)
    with refuse_inconsistent(where):
        # A model that was never built has no weights, which `check` reports.
        for name, described in _objects(config, "") if stored else ():
            settings, module = described.get("config"), str(described.get("module"))
            if isinstance(settings, Mapping) and module.startswith("keras.layers"):
                declared_sizes.check(settings, str(described["class_name"]), name, stored, where)
    return Archive(config, stored)


_ALLOW = "If you trust whoever made it, allow_code: true lets it run, with all that you may do yourself."


# Before a module of layers is imported, nobody knows what it registers.
ANYTHING: frozenset[str] = frozenset({"*"})


def registered() -> set[str]:
    """Return the names of all layers and functions that are registered in this process."""
    from keras import saving

    return set(saving.get_custom_objects())


def check(
    config: Config,
    where: str,
    *,
    allow_code: bool = False,
    hint: str = _ALLOW,
    registered: Collection[str] | None = None,
    code: str | None = None,
    inputs: Collection[str] = (),
) -> None:
    """Refuse models that cannot be loaded safely or explained: code, foreign classes, other inputs, several outputs.

    Args:
        config: of the model, from `read` or `json.loads(model.to_json())`.
        where: name of the model in messages.
        allow_code: accept layers that hold code.
        hint: advice about code, for the message.
        registered: names of the user's layers that can be loaded; `ANYTHING` where that is not known yet.
        code: the module that registers them, for the message.
        inputs: the names of the data's inputs where they have several, which the model's have to be.

    Raises:
        InputError: the model is refused.
    """
    with refuse_inconsistent(where):
        _check(config, where, allow_code, hint, registered or (), code)
        input_sizes.require_names(config_graph.names_of_inputs(config), inputs, where)
        if not inputs:
            input_shape(config, where)
            dtypes.require_real_inputs(config, where)


def _check(
    config: Config, where: str, allow_code: bool, hint: str, registered: Collection[str], code: str | None
) -> None:
    for name, described in _objects(config, ""):
        settings, module = described.get("config"), described.get("module")
        kind = str(described["class_name"])
        # Keras saves a lambda as the bytes of its code, without a class name.
        if isinstance(settings, Mapping) and any(
            isinstance(value, Mapping) and "class_name" not in value
            for key, value in settings.items()
            if key.endswith("activation")
        ):
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
            _require_registered(described, name, where, registered, code)
        if isinstance(settings, Mapping) and settings.get("stateful") is True:
            raise InputError.unexpected(
                where,
                f'layer "{name}" ({kind}) with stateful=True, whose output depends on earlier calls',
                "stateful=False: explanations call the model in any order",
                "A model with stateful=False takes the same weights: new_model.set_weights(model.get_weights()).",
            )
    if "layers" not in config["config"]:
        raise InputError.unexpected(
            where, f"a model of the class {config.get('class_name')}", "a Sequential or functional model"
        )
    if (number := len(config_graph.ends(config["config"].get("output_layers", ["", 0, 0])))) != 1:
        raise InputError.unexpected(where, f"{number} outputs", "one")


def _require_registered(
    described: Config, name: str, where: str, registered: Collection[str], code: str | None
) -> None:
    """Refuse a layer or function of the user's own that is not registered.

    Raises:
        InputError: says which line of the config names the module that registers it.
    """
    kind, module = str(described["class_name"]), described.get("module")
    own = str(described["config"] if kind == "function" else described.get("registered_name") or kind)
    if own in registered or registered == ANYTHING:
        return
    of = "" if module in (None, "builtins") else f" of {module}"
    found = f'"{own}"{of}, in "{name}"'
    if code is not None:
        names = comma_list(sorted(registered))
        raise InputError.unexpected(where, f"{found}, which code {code} does not register", f"one of {names}")
    # A notebook or a script that was run has no name that can be imported.
    nameless = module in (None, "builtins", "__main__") or ">" not in own
    raise InputError.unexpected(
        where,
        found,
        "layers, activations and models that Keras has itself",
        "What is only in your own code cannot be loaded without it: put it into a Python module, under "
        "@keras.saving.register_keras_serializable(), save the model again, and name the module: code: <module>."
        if nameless
        else f"Name the Python module that registers it, beside the file of the model: code: {module}.",
    )


def input_shape(config: Config, where: str) -> tuple[int, ...]:
    """Return the shape of one example, without the batch axis.

    Raises:
        InputError: the model was never built, or the size of an axis is open.
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


def require_shape(config: Config, where: str, wanted: Sequence[int] | Shapes, whose: str) -> None:
    """Refuse a model for inputs of another shape.

    Args:
        config, where: as for `check`.
        wanted: shape of one example, without the batch axis; of several inputs, by their names.
        whose: end of the message, after "the shape".

    Raises:
        InputError: the shapes differ, or `input_shape` refuses the model.
    """
    if isinstance(wanted, Mapping):
        input_sizes.require_shapes(input_sizes.of_config(config), wanted, where)
        return
    shape = input_shape(config, where)
    if shape != tuple(wanted):
        raise InputError.unexpected(
            where, f"a model for inputs of {format_shape(shape)}", f"{format_shape(wanted)}, the shape {whose}"
        )


def features(config: Config, where: str, explained: str | None = None) -> tuple[str, ...]:
    """Return the features of the model, as named in `base.ModelSpec.features`; of several inputs for the explained."""
    with refuse_inconsistent(where):
        nodes = config_graph.nodes(config, where, explained)
        lengths = input_shape(config, where) if explained is None else nodes[0].shape
        places = Places(nodes, tuple(size or 0 for size in lengths[:-1]))
        has = {
            "conv": bool(places.ends),
            "relu": activations.has_relus(nodes),
            **activations.rules(nodes),
            "gap": places.pooled is not None,
            "self_attention": has_token_graph(places),
        }
    return tuple(name for name in FEATURES if has[name])


def _objects(content: Any, name: str) -> Iterator[tuple[str, Config]]:
    """Iterate over every object that loading would create, with the name of its layer."""
    if isinstance(content, Mapping):
        if "class_name" in content:
            settings = content.get("config")
            name = (settings.get("name") if isinstance(settings, Mapping) else None) or name
            yield name, content
        for key, value in content.items():
            if key != "compile_config":  # settings for training are not loaded
                yield from _objects(value, name)
    elif isinstance(content, list):
        for value in content:
            yield from _objects(value, name)


def require_features(wanted: Sequence[str], config: Config, where: str, explained: str | None = None) -> None:
    """Refuse declared features that the model lacks.

    Raises:
        InputError: the model lacks a feature.
    """
    present = with_implied(features(config, where, explained))
    if missing := [name for name in wanted if name not in present]:
        raise InputError.unexpected(
            f"{where}: features", f"{comma_list(missing)}, which the model lacks", comma_list(present) or "[]"
        )
