"""A model of your own from a function `(input_shape, n_classes) -> keras.Model` in a module beside config.yaml."""

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
from pellucid.models.imported import archive, head, own_keys
from pellucid.models.imported.tidy import tidied
from pellucid.network import same_function
from pellucid.parameters import UNIQUE, one_of

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

SPEC = ModelSpec(
    title="A model of your own, from a function",
    kinds=("series", "image"),
    features=archive.FEATURES,
    source='your own: see "Your own model" in the README',
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
        InputError: as said, a module that is no Python, or what `own_keys.check` refuses.
    """
    own_keys.check(classes=classes, input_range=input_range)
    module, _, name = build.partition(":")
    path = _file(folder, module)
    if not path.is_file():  # which the check of the files tells
        return
    names = _defined(_parsed(path))
    if names is not None and name not in names:
        raise InputError.unexpected(
            "build", abbreviate(build), f"a function of {path}: {comma_list(names)}", did_you_mean(name, names).strip()
        )


def features(*, features: Sequence[str], **others: object) -> tuple[str, ...]:
    """What the config says."""
    return tuple(features)


def addresses(*, build: str, folder: str, **others: object) -> dict[str, str]:
    """The module, and what it imports of the same folder: an edit of any trains again."""
    first = build.partition(":")[0]
    found: dict[str, str] = {"build": str(_file(folder, first))}
    waiting = [first]
    while waiting:
        module = waiting.pop()
        path = _file(folder, module)
        for name in _imports_of(path, module):
            other = _file(folder, name)
            if other.is_file() and str(other) not in found.values():
                # Beside the other inputs of the rule, which have names of their own.
                found[f"imports_{name.replace('.', '_')}"] = str(other)
                waiting.append(name)
    return found


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
) -> keras.Model:
    """What the function returns, with a softmax over the classes at its end.

    Raises:
        InputError: no such module or function, one that fails, or one that returns no model that fits the data.
    """
    import keras

    where = f"function.build {build}"
    with _importing(folder):
        function = _loaded(build, folder, where)
        try:
            model = function(tuple(input_shape), int(n_classes))
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
        config = json.loads(model.to_json())
    except Exception as error:  # of a layer of one's own, for example
        raise InputError.unexpected(
            where, f"a model that cannot be saved ({_reason(error, folder)})", "layers of Keras"
        ) from error
    archive.check(config, where, hint="keras.ops does without: keras.ops.abs(x) between layers is part of the model.")
    archive.require_shape(config, where, input_shape, "that it was given")
    archive.lacking(features, config, where)
    own_keys.check_number(classes, config, where)
    made = head.with_softmax(tidied(model, where), n_classes, where)
    same_function.hold_saved(made, where)
    return own_keys.with_input_range(made, input_range, where)


def _loaded(build: str, folder: str, where: str) -> Any:
    module, _, name = build.partition(":")
    try:
        loaded = importlib.import_module(module)
    except Exception as error:
        raise InputError.unexpected(
            where, f"a module that fails ({_reason(error, folder)})", "one that can be imported"
        ) from error
    if Path(loaded.__file__ or "").resolve() != _file(folder, module).resolve():
        other = f"the module {module} of {loaded.__file__}, which was loaded before"
        raise InputError.unexpected(where, other, "a module whose name no other has")
    found = getattr(loaded, name, None)
    if not callable(found) or inspect.isclass(found):
        raise InputError.unexpected(where, f'no function "{name}" in the module', "module:function")
    return found


@contextmanager
def _importing(folder: str) -> Iterator[None]:
    """Let modules of the folder be found, before others of their names."""
    place = str(Path(folder).expanduser().resolve())
    sys.path.insert(0, place)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(place)


def _reason(error: Exception, folder: str) -> str:
    """An error of somebody's module in one line, with the last line of theirs that it passed."""
    place = str(Path(folder).expanduser().resolve())
    steps = [step for step in traceback.extract_tb(error.__traceback__) if step.filename.startswith(place)]
    line = f", {Path(steps[-1].filename).name} line {steps[-1].lineno}" if steps else ""
    return f"{type(error).__name__}: {first_line(error)}{line}"


def _file(folder: str, module: str) -> Path:
    """Where a module lies, or would."""
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
            str(path), f"a module that is no Python ({text}{line})", "a Python module"
        ) from None


def _defined(tree: ast.Module) -> list[str] | None:
    """What a module's top level names; None where that cannot be told without running it."""
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
    except (OSError, InputError):  # which the check of the files tells, or the import
        return []


def _imported(tree: ast.Module, module: str) -> Iterator[str]:
    """The modules that a module imports, and those that `from a import b` may mean."""
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
