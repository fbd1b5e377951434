"""Digest of the code that a rule runs.

Snakemake sees an edit of a script by the time of its file, and not of the modules that the script imports. A clone
gives all files the time at which it was made, so that results that were copied beside it would be made again. Each rule
therefore has a digest of both among its parameters (`code_of` in `rules/common.smk`), and the times of scripts do not
count (`rerun-triggers` in `profiles/default`).
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pellucid.places import SCRIPTS

# The folder that holds the package.
_ROOT = Path(__file__).resolve().parents[2]
# What scripts import to log, to check digests and to refuse sizes that do not fit. It changes nothing in the outputs,
# so an edit of it reruns no training.
_FRAME = frozenset({"pellucid.jobs.script", "pellucid.config.resolution"})


def code_digest(*modules: str, root: Path = _ROOT) -> str:
    """Return a digest of the syntax trees of `modules` and of every module of the package that they import.

    Imports are followed to any depth. Comments, docstrings and layout do not count: they cannot change a result, and to
    correct them should not cost a training. Plugins that are imported by name at run time must be passed by name here.

    Args:
        modules: dotted names, such as "pellucid.train.run".
        root: the folder that holds the package; its files are read once in a process.
    """
    digests = "".join(_read(root, module)[1] for module in closure(*modules, root=root))
    return hashlib.sha256(digests.encode()).hexdigest()[:16]


@cache
def script_modules(name: str, root: Path = _ROOT, scripts: Path = SCRIPTS) -> tuple[str, ...]:
    """Return the modules of the package that a script itself imports, without those that frame every script.

    Args:
        name: of the script, such as "train".
        root: as for `code_digest`.
        scripts: the folder that holds the scripts.
    """
    return tuple(sorted(_imported(root, _parse(scripts / f"{name}.py")) - _FRAME))


@cache
def script_digest(name: str, scripts: Path = SCRIPTS) -> str:
    """Return a digest of the syntax tree of a script itself. Arguments as for `script_modules`."""
    return hashlib.sha256(_without_docstrings(_parse(scripts / f"{name}.py")).encode()).hexdigest()[:16]


def closure(*modules: str, root: Path = _ROOT) -> list[str]:
    """Return `modules` and every module of the package that they import, at any depth, sorted."""
    seen: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            waiting.extend(_read(root, module)[0])
    return sorted(seen)


def _path(root: Path, module: str) -> Path | None:
    """Return the file of a module, None if there is none."""
    base = root.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@cache
def _read(root: Path, module: str) -> tuple[frozenset[str], str]:
    """Return the modules of the package that a module imports, and the digest of the module's own syntax tree."""
    path = _path(root, module)
    if path is None:
        raise ModuleNotFoundError(f"no module {module} in {root}")
    tree = _parse(path)
    return _imported(root, tree), hashlib.sha256(f"{module}\n{_without_docstrings(tree)}".encode()).hexdigest()


def _imported(root: Path, tree: ast.Module) -> frozenset[str]:
    """Return the modules of the package that a syntax tree imports."""
    names: set[str] = set()
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(name for name in names if name.split(".")[0] == "pellucid" and _path(root, name))


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield all nodes but those of expressions, which hold neither imports nor functions: a tenth of the tree."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, name, None)
            # The body of a conditional expression and of a lambda is one expression.
            if isinstance(inner, list):
                waiting.extend(inner)


def _without_docstrings(tree: ast.Module) -> str:
    """Return a syntax tree as text. The docstrings are removed from `tree`."""
    for node in _statements(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]
    return ast.dump(tree)
