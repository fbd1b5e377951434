"""Lists the files below results/ that each script of the workflow opens.

Python imports a module of this name by itself; the test puts this folder on PYTHONPATH and names a folder for the
lists, one file for each process. What native code opens by itself raises no audit event and is not seen.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
from pathlib import Path
from typing import Any

_LISTS = os.environ.get("PELLUCID_OPENED")
_RESULTS = os.path.join(os.getcwd(), "results")  # noqa: PTH109, PTH118
_seen: dict[str, set[str]] = {"read": set(), "written": set(), "listed": set()}


def _note(kind: str, path: Any) -> None:
    if isinstance(path, str | bytes | os.PathLike):
        full = os.path.abspath(os.fsdecode(path))  # noqa: PTH100
        if full.startswith(_RESULTS + os.sep):
            _seen[kind].add(os.path.relpath(full))


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        path, mode, flags = arguments
        writes = any(letter in mode for letter in "wax+") if mode else bool((flags or 0) & (os.O_WRONLY | os.O_RDWR))
        _note("written" if writes else "read", path)
    elif event == "os.rename":
        _note("written", arguments[1])
    elif event == "sqlite3.connect":
        _note("written", arguments[0])
    elif event in ("os.listdir", "os.scandir"):
        _note("listed", arguments[0])


def _write() -> None:
    """Write the lists, with what the rule of this process declares; a child of a script has no rule of its own."""
    snakemake = getattr(sys.modules.get("__main__"), "snakemake", None)
    content: dict[str, Any] = {name: sorted(paths) for name, paths in _seen.items()}
    content |= {"process": os.getpid(), "parent": os.getppid()}
    if hasattr(snakemake, "rule"):
        declared = {name: list(map(str, getattr(snakemake, name))) for name in ("input", "output", "log")}
        content |= {"rule": snakemake.rule, **declared}
    Path(str(_LISTS), f"{os.getpid()}.json").write_text(json.dumps(content), encoding="utf-8")


if _LISTS:
    sys.addaudithook(_hook)
    atexit.register(_write)
