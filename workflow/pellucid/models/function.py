"""Models of your own from a function `(input_shape, n_classes) -> keras.Model` in a module beside config.yaml."""

from __future__ import annotations

import ast
import inspect
import json
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean
from pellucid.models.base import ModelSpec
from pellucid.models.imported import archive, input_sizes, own_keys, per_step, step_choice, task_head
from pellucid.models.imported.compatibility import make_compatible
from pellucid.network import same_function
from pellucid.own_code import OwnCode, file_of, importing, loaded, parsed, reason
from pellucid.parameters import UNIQUE, one_of
from pellucid.tasks import SINGLE_LABEL, Task

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

SPEC = ModelSpec(
    title="A model of your own, from a function",
    kinds=("series", "image"),
    features=archive.FEATURES,
    source='your own: see "Your own model" in the README',
    own_head=True,
    several_inputs=True,
)


def check(
    *,
    build: str,
    folder: str,
    classes: Sequence[str | int],
    input_range: Sequence[float],
    steps: step_choice.Steps | None = None,
    **others: object,
) -> None:
    """Refuse a function that the module does not define; the module is read, not run.

    Raises:
        InputError: the module lacks the function or is not Python, or `own_keys.check` refuses a value.
    """
    own_keys.check(classes=classes, input_range=input_range)
    step_choice.check(steps)
    module, _, name = build.partition(":")
    path = file_of(folder, module)
    if not path.is_file():  # the check of the files reports it
        return
    names = _defined(parsed(path))
    if names is not None and name not in names:
        raise InputError.unexpected(
            "build", abbreviate(build), f"a function of {path}: {comma_list(names)}", did_you_mean(name, names).strip()
        )


def features(*, features: Sequence[str], numbers: bool | None = None, **others: object) -> tuple[str, ...]:
    """Return the features that the config declares; of several inputs those that fit the kind of the explained one."""
    return tuple(input_sizes.of_numbers(features) if numbers else features)


def addresses(*, build: str, folder: str, **others: object) -> dict[str, str]:
    """Return the files of the module and of its imports in the same folder: a change of any trains again."""
    code = own_code(build=build, folder=folder)
    # The prefix keeps the names apart from the other inputs of the rule.
    return {
        "build" if name == code.module else f"imports_{name.replace('.', '_')}": path
        for name, path in code.modules().items()
    }


def own_code(*, build: str, folder: str, **others: object) -> OwnCode:
    """Return the module: layers that it registers are needed wherever the model is loaded."""
    return OwnCode(build.partition(":")[0], folder)


def build(
    input_shape: tuple[int, ...] | archive.Shapes,
    n_classes: int,
    *,
    build: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$",
            description="module:function. The function gets the shape of one example (for several inputs, a mapping "
            "from their names to their shapes) and the number of classes. It returns an uncompiled keras.Model of "
            "Keras' layers, or of layers that the module registers",
        ),
    ],
    folder: Annotated[
        str,
        Field(
            min_length=1,
            description="folder of the module; . is the folder where the workflow runs, beside config.yaml",
        ),
    ] = ".",
    features: Annotated[
        Sequence[Annotated[str, one_of(archive.FEATURES)]],
        Field(
            json_schema_extra=UNIQUE,
            description="what methods find in the model: conv (convolutions over the axes of the input), relu, "
            "rescale_rule (only layers that Deep SHAP has rules for), relevance_rule (only layers that LRP has rules "
            "for; these include LSTM, GRU and attention), gap (global average pooling, followed only by the dense "
            "layer of the classes) and self_attention (MultiHeadAttention over tokens in the order of time). The list "
            "is compared with the model before it is trained",
        ),
    ] = ("conv", "relu"),
    classes: own_keys.Classes = (),
    input_range: own_keys.InputRange = (0, 1),
    steps: step_choice.StepsKey = None,
    task: Task = SINGLE_LABEL,
    explained: str | None = None,
) -> keras.Model:
    """Return the model that the function returns, with the last layer of the task at its end.

    Raises:
        InputError: module or function are missing or fail, or the returned model does not fit the data.
    """
    where = f"function.build {build}"
    shapes = dict(input_shape) if isinstance(input_shape, Mapping) else tuple(input_shape)
    model, config = _called(build, folder, where, shapes, int(n_classes))
    hint = "Use keras.ops instead: keras.ops.abs(x) between layers is part of the model."
    named = list(shapes) if isinstance(shapes, dict) else []
    archive.check(config, where, hint=hint, registered=archive.registered(), inputs=named)
    archive.require_shape(config, where, input_shape, "that it was given")
    declared_of = config if steps is None else per_step.without_last_activation(config)
    if explained is not None and isinstance(shapes, dict) and len(shapes[explained]) == 1:
        features = input_sizes.of_numbers(features)
    archive.require_features(features, declared_of, where, explained)
    own_keys.check_number(classes, config, where)
    model = per_step.picked(make_compatible(model, where), steps, task, where)
    model = task_head.with_head(model, n_classes, task, where)
    same_function.hold_saved(model, where)
    return own_keys.with_input_range(model, input_range, where)


def _called(
    build: str, folder: str, where: str, input_shape: tuple[int, ...] | dict[str, tuple[int, ...]], n_classes: int
) -> tuple[keras.Model, archive.Config]:
    """Call the function; return its model, and the model's configuration.

    Raises:
        InputError: the function fails, or does not return a built model that can be saved.
    """
    import keras

    with importing(folder):
        function = _loaded(build, folder, where)
        try:
            model = function(input_shape, n_classes)
        except Exception as error:
            raise InputError.unexpected(
                where, f"a function that fails ({reason(error, folder)})", "a keras.Model"
            ) from error
    if not isinstance(model, keras.Model):
        found = "nothing returned" if model is None else f"a {type(model).__name__}"
        raise InputError.unexpected(where, found, "a keras.Model")
    if not getattr(model, "inputs", None) or not getattr(model, "outputs", None):
        expected = "a functional model, or a Sequential one that begins with keras.Input(input_shape)"
        raise InputError.unexpected(where, "a model that is not built", expected)
    try:
        return model, json.loads(model.to_json())
    except Exception as error:  # of a layer of one's own, for example
        raise InputError.unexpected(
            where, f"a model that cannot be saved ({reason(error, folder)})", "layers of Keras"
        ) from error


def _loaded(build: str, folder: str, where: str) -> Any:
    """Import the module and return the function."""
    name = build.partition(":")[2]
    module = loaded(own_code(build=build, folder=folder), where)
    function = getattr(module, name, None)
    if not callable(function) or inspect.isclass(function):
        raise InputError.unexpected(where, f'no function "{name}" in the module', "module:function")
    return function


def _defined(tree: ast.Module) -> list[str] | None:
    """Return the names that a module defines, functions first; None where only running it would tell."""
    if any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in tree.body):
        return None
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    others = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    others |= {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom | ast.Import)
        for alias in node.names
    }
    others |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)} - set(names)
    return names + sorted(others)
