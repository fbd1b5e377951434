"""Import a Python module of the user's: a function that builds a model, or layers that a model's file needs.

The module and the modules of its folder that it imports are files of the experiment. Where a model has layers that are
registered there (`@keras.saving.register_keras_serializable`), `training.json` carries the text of these files beside
the model: every stage that loads the model imports them from there, on any machine.
"""

from __future__ import annotations

import ast
import importlib
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pellucid.errors import InputError
from pellucid.messages import comma_list, first_line

# A module beside config.yaml, as in `import`, or the path of its file.
PATTERN = r"^([A-Za-z_]\w*(\.[A-Za-z_]\w*)*|(.*/)?[A-Za-z_]\w*\.py)$"


@dataclass(frozen=True)
class OwnCode:
    """A module of the user's.

    Attributes:
        module: its name, as in `import`.
        folder: where it lies.
    """

    module: str
    folder: str = "."

    @classmethod
    def of(cls, code: str) -> OwnCode:
        """Return the module that a config calls `code`: its name (beside config.yaml), or the path of its file."""
        if code.endswith(".py"):
            return cls(Path(code).stem, str(Path(code).parent))
        return cls(code)

    @property
    def file(self) -> Path:
        """Its file, also where there is none."""
        return file_of(self.folder, self.module)

    def modules(self) -> dict[str, str]:
        """Return the module and the modules of the folder that it imports: the path of each, by name."""
        paths = {self.module: str(self.file)}
        waiting = [self.module]
        while waiting:
            module = waiting.pop()
            path = file_of(self.folder, module)
            for name in _imports_of(path, module):
                other = file_of(self.folder, name)
                if other.is_file() and str(other) not in paths.values():
                    paths[name] = str(other)
                    waiting.append(name)
        return paths

    def stored(self) -> dict[str, Any]:
        """Return what `training.json` holds: the name of the module, and the text of each file by its place."""
        base = Path(self.folder).expanduser()
        files = {
            Path(path).relative_to(base).as_posix(): Path(path).read_text(encoding="utf-8")
            for path in self.modules().values()
        }
        return {"module": self.module, "files": files}


def file_of(folder: str, module: str) -> Path:
    """Return the path of a module, also where there is no such file."""
    base = Path(folder).expanduser().joinpath(*module.split("."))
    package = base / "__init__.py"
    return package if package.is_file() else base.with_name(f"{base.name}.py")


@contextmanager
def importing(folder: str) -> Iterator[None]:
    """Import modules from the folder first, within a `with` block."""
    place = str(Path(folder).expanduser().resolve())
    sys.path.insert(0, place)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(place)


def loaded(code: OwnCode, where: str) -> Any:
    """Import the module and return it; called within `importing`.

    Raises:
        InputError: the import fails, or another module of this name was loaded before.
    """
    try:
        module = importlib.import_module(code.module)
    except Exception as error:
        raise InputError.unexpected(
            where, f"a module that fails ({reason(error, code.folder)})", "one that can be imported"
        ) from error
    if not _is_same(module, code):
        other = f"the module {code.module} of {getattr(module, '__file__', None)}, which was loaded before"
        raise InputError.unexpected(where, other, "a module with a unique name")
    return module


def register(code: OwnCode, where: str) -> set[str]:
    """Import a module for the layers that it registers; return their names, such as "my_package>Scale".

    Raises:
        InputError: there is no such file, the import fails, it registers nothing, or one name twice.
    """
    if not code.file.is_file():
        raise InputError.unexpected(where, f"no file {code.file}", "a Python module there")
    twice = [name for name, number in Counter(_written(code)).items() if number > 1]
    if twice:
        raise InputError.unexpected(where, f"{comma_list(twice)} registered twice", "each name once")
    from keras import saving

    before = dict(saving.get_custom_objects())
    known = set(sys.modules)
    with importing(code.folder):
        loaded(code, where)
    own = {name for name in sys.modules if name not in known} | set(code.modules())
    objects = saving.get_custom_objects()
    names = {name for name, value in objects.items() if getattr(value, "__module__", None) in own}
    if taken := sorted(name for name in names if name in before and not _is_twin(before[name], objects[name])):
        other = getattr(before[taken[0]], "__module__", "")
        raise InputError.unexpected(where, f"{taken[0]}, which {other} registers, too", "a name of its own")
    if not names:
        expected = "layers under @keras.saving.register_keras_serializable()"
        raise InputError.unexpected(where, "a module that registers nothing", expected)
    return names


def restore(stored: Mapping[str, Any] | None, where: str) -> None:
    """Import what `OwnCode.stored` gave, so that a model can be loaded; nothing for None.

    Raises:
        InputError: the import fails.
    """
    if not stored:
        return
    with tempfile.TemporaryDirectory() as folder:
        for place, text in stored["files"].items():
            path = Path(folder, place)
            if not path.resolve().is_relative_to(Path(folder).resolve()):
                raise InputError.unexpected(where, f"code for {place}", "files beside each other")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        register(OwnCode(stored["module"], folder), f"{where}, code {stored['module']}")


def reason(error: Exception, folder: str) -> str:
    """Return an error as one line, with the last line of the user's code in its traceback."""
    place = str(Path(folder).expanduser().resolve())
    steps = [step for step in traceback.extract_tb(error.__traceback__) if step.filename.startswith(place)]
    line = f", {Path(steps[-1].filename).name} line {steps[-1].lineno}" if steps else ""
    return f"{type(error).__name__}: {first_line(error)}{line}"


def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a module.

    Raises:
        InputError: it is not Python.
    """
    try:
        return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        text = error.msg if isinstance(error, SyntaxError) else str(error)
        raise InputError.unexpected(
            str(path), f"a module that is not Python ({text}{line})", "a Python module"
        ) from None


# The text of each module that was imported here, by name: a copy elsewhere with the same text is the same module.
_TEXTS: dict[str, str] = {}


def _is_same(module: Any, code: OwnCode) -> bool:
    """Return whether a loaded module is the one in the folder, or has the same text."""
    text = code.file.read_text(encoding="utf-8")
    if Path(getattr(module, "__file__", None) or "").resolve() == code.file.resolve():
        _TEXTS[code.module] = text
        return True
    return _TEXTS.get(code.module) == text


def _is_twin(first: Any, second: Any) -> bool:
    """Return whether two registered objects come from modules of the same name: one of them was loaded anew."""
    return first is second or getattr(first, "__module__", 0) == getattr(second, "__module__", 1)


def _written(code: OwnCode) -> Iterator[str]:
    """Iterate over the names that the module's text registers, where it states them."""
    for path in code.modules().values():
        for node in ast.walk(parsed(Path(path))):
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                yield from filter(None, (_registered(decorator, node.name) for decorator in node.decorator_list))


def _registered(decorator: ast.expr, name: str) -> str:
    """Return the name that a decorator registers a class of this name under; empty where it is another decorator."""
    if not isinstance(decorator, ast.Call) or "register_keras_serializable" not in ast.unparse(decorator.func):
        return ""
    stated: dict[str | None, ast.expr] = dict(zip(("package", "name"), decorator.args, strict=False))
    stated |= {keyword.arg: keyword.value for keyword in decorator.keywords}
    words = [stated.get("package", ast.Constant("Custom")), stated.get("name", ast.Constant(name))]
    if not all(isinstance(word, ast.Constant) for word in words):
        return ""
    package, shown = (word.value for word in words if isinstance(word, ast.Constant))
    return f"{package!s}>{name if shown is None else shown!s}"


def _imports_of(path: Path, module: str) -> list[str]:
    try:
        return list(_imported(parsed(path), module))
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
