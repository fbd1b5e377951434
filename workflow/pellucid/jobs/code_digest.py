"""Digest of the code that a rule runs.

Snakemake sees an edit of a rule and of its script, but not of the modules that the script imports. Each rule therefore
carries a digest of them among its parameters (`code_of` in `rules/common.smk`).
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
# What every script imports around its one call, or to refuse sizes that do not fit: it logs, checks and ends the job,
# and decides nothing in what is written. An edit of it reruns no training.
_FRAME = frozenset({"pellucid.jobs.script", "pellucid.config.resolution"})


def code_digest(*modules: str) -> str:
    """SHA-256 over the syntax trees of `modules` and of every module of the package that they import, at any depth.

    Comments, docstrings and layout do not count: they cannot change a result, and to correct one should not cost a
    training. Plugins that are imported by name at run time must be passed by name here.

    Args:
        modules: dotted names, such as "pellucid.train.run".
    """
    return hashlib.sha256("".join(_read(module)[1] for module in closure(*modules)).encode()).hexdigest()[:16]


@cache
def script_modules(name: str) -> tuple[str, ...]:
    """The modules of the package that a script imports itself, without those that frame every script.

    Args:
        name: of the script, such as "train".
    """
    path = _ROOT / "scripts" / f"{name}.py"
    found = _imported(ast.parse(path.read_text(encoding="utf-8"), filename=str(path)))
    return tuple(sorted(found - _FRAME))


def closure(*modules: str) -> list[str]:
    """`modules` and every module of the package that they import, sorted."""
    seen: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            waiting.extend(_read(module)[0])
    return sorted(seen)


def _path(module: str) -> Path | None:
    base = _ROOT.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def _read(module: str) -> tuple[frozenset[str], str]:
    """The modules of the package that a module imports, and the digest of its own syntax tree."""
    path = _path(module)
    if path is None:
        raise ModuleNotFoundError(f"no module {module} in {_ROOT}")
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return _imported(tree), hashlib.sha256(f"{module}\n{_without_docstrings(tree)}".encode()).hexdigest()


def _imported(tree: ast.Module) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(name for name in found if name.split(".")[0] == "pellucid" and _path(name))


def _without_docstrings(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]
    return ast.dump(tree)
