"""Models of your own from a function `(input_shape, n_classes) -> keras.Model` in a module beside config.yaml."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import logging
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean, first_line
from pellucid.models.base import ModelSpec
from pellucid.models.imported import archive, own_keys, task_head
from pellucid.models.imported.compatibility import make_compatible
from pellucid.network import same_function
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
)


def check(
    *,
    build: str,
    folder: str,
    classes: Sequence[str | int],
    input_range: Sequence[float],
    **others: object,
) -> None:
    """Refuse a function that the module does not define; the module is read, not run.

    Raises:
        InputError: the module lacks the function or is not Python, or `own_keys.check` refuses a value.
    """
    own_keys.check(classes=classes, input_range=input_range)
    module, _, name = build.partition(":")
    path = _file(folder, module)
    if not path.is_file():  # the check of the files reports it
        return
    names = _defined(_parsed(path))
    if names is not None and name not in names:
        raise InputError.unexpected(
            "build", abbreviate(build), f"a function of {path}: {comma_list(names)}", did_you_mean(name, names).strip()
        )


def features(*, features: Sequence[str], **others: object) -> tuple[str, ...]:
    """Return the features that the config declares."""
    return tuple(features)


def addresses(*, build: str, folder: str, **others: object) -> dict[str, str]:
    """Return the files of the module and of its imports in the same folder: a change of any trains again."""
    first = build.partition(":")[0]
    paths: dict[str, str] = {"build": str(_file(folder, first))}
    waiting = [first]
    while waiting:
        module = waiting.pop()
        path = _file(folder, module)
        for name in _imports_of(path, module):
            other = _file(folder, name)
            if other.is_file() and str(other) not in paths.values():
                # The prefix keeps the name apart from the other inputs of the rule.
                paths[f"imports_{name.replace('.', '_')}"] = str(other)
                waiting.append(name)
    return paths


def build(
    input_shape: tuple[int, ...],
    n_classes: int,
    *,
    build: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$",
            description="module:function, which gets the shape of one example and the number of classes, and returns "
            "an uncompiled keras.Model made of Keras' own layers",
        ),
    ],
    folder: Annotated[
        str, Field(min_length=1, description="where the module lies; . is where the workflow runs, beside config.yaml")
    ] = ".",
    features: Annotated[
        Sequence[Annotated[str, one_of(archive.FEATURES)]],
        Field(
            json_schema_extra=UNIQUE,
            description="what methods find in the model: conv (convolutions over the axes of the input), relu, "
            "rescale_rule (layers that Deep SHAP has rules for, and no others) and gap (global average pooling, and "
            "after it the dense layer of the classes alone). It is held against the model before it is trained",
        ),
    ] = ("conv", "relu"),
    classes: own_keys.Classes = (),
    input_range: own_keys.InputRange = (0, 1),
    task: Task = SINGLE_LABEL,
) -> keras.Model:
    """Return the model that the function returns, with the last layer of the task at its end.

    Raises:
        InputError: module or function are missing or fail, or the returned model does not fit the data.
    """
    where = f"function.build {build}"
    model, config = _called(build, folder, where, tuple(input_shape), int(n_classes))
    archive.check(config, where, hint="keras.ops does without: keras.ops.abs(x) between layers is part of the model.")
    archive.require_shape(config, where, input_shape, "that it was given")
    archive.require_features(features, config, where)
    own_keys.check_number(classes, config, where)
    model = task_head.with_head(make_compatible(model, where), n_classes, task, where)
    same_function.hold_saved(model, where)
    return own_keys.with_input_range(model, input_range, where)


def _called(
    build: str, folder: str, where: str, input_shape: tuple[int, ...], n_classes: int
) -> tuple[keras.Model, archive.Config]:
    """Call the function; return its model, and the model's configuration.

    Raises:
        InputError: the function fails, or does not return a built model that can be saved.
    """
    import keras

    with _importing(folder):
        function = _loaded(build, folder, where)
        try:
            model = function(input_shape, n_classes)
        except Exception as error:
            raise InputError.unexpected(
                where, f"a function that fails ({_reason(error, folder)})", "a keras.Model"
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
            where, f"a model that cannot be saved ({_reason(error, folder)})", "layers of Keras"
        ) from error


def _loaded(build: str, folder: str, where: str) -> Any:
    """Import the module and return the function."""
    module, _, name = build.partition(":")
    try:
        loaded = importlib.import_module(module)
    except Exception as error:
        raise InputError.unexpected(
            where, f"a module that fails ({_reason(error, folder)})", "one that can be imported"
        ) from error
    if Path(loaded.__file__ or "").resolve() != _file(folder, module).resolve():
        other = f"the module {module} of {loaded.__file__}, which was loaded before"
        raise InputError.unexpected(where, other, "a module with a unique name")
    function = getattr(loaded, name, None)
    if not callable(function) or inspect.isclass(function):
        raise InputError.unexpected(where, f'no function "{name}" in the module', "module:function")
    return function


@contextmanager
def _importing(folder: str) -> Iterator[None]:
    """Import modules from the folder first, within a `with` block."""
    place = str(Path(folder).expanduser().resolve())
    sys.path.insert(0, place)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(place)


def _reason(error: Exception, folder: str) -> str:
    """Return an error as one line, with the last line of the user's code in its traceback."""
    place = str(Path(folder).expanduser().resolve())
    steps = [step for step in traceback.extract_tb(error.__traceback__) if step.filename.startswith(place)]
    line = f", {Path(steps[-1].filename).name} line {steps[-1].lineno}" if steps else ""
    return f"{type(error).__name__}: {first_line(error)}{line}"


def _file(folder: str, module: str) -> Path:
    """Return the path of a module, also where there is no such file."""
    base = Path(folder).expanduser().joinpath(*module.split("."))
    package = base / "__init__.py"
    return package if package.is_file() else base.with_name(f"{base.name}.py")


def _parsed(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        raise InputError.unexpected(
            str(path), f"a module that is not Python ({text}{line})", "a Python module"
        ) from None


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


def _imports_of(path: Path, module: str) -> list[str]:
    try:
        return list(_imported(_parsed(path), module))
    except (OSError, InputError):  # the check of the files, or the import, reports it
        return []


def _imported(tree: ast.Module, module: str) -> Iterator[str]:
    """Iterate over the modules that a module imports; for `from a import b` both a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # from . import x, in a module of a package
            above = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            if base:
                yield base
            yield from (f"{base}.{alias.name}".lstrip(".") for alias in node.names)
