"""What the run of an explanation gets of the summaries of whole test sets: figures, tables, references to maps."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from pellucid import files
from pellucid.config.variants import method_of
from pellucid.tracking.uploads import below


def attached(recorded: Collection[Path], folder: Path, label: str) -> list[tuple[Path, str]]:
    """Return the figures and tables of the summaries of one explanation, each with its path in the run.

    Args:
        recorded: the files of the experiment that are recorded.
        folder: `results/<experiment>`.
        label: of the explanation.
    """
    here = folder / "summaries" / label
    return below("summaries", [path for path in sorted(recorded) if path.parent == here and path.suffix != ".npz"])


def references(recorded: Collection[Path], folder: Path, label: str) -> dict[str, Any]:
    """Return `measured.json`: path, digest and size of the maps of every part; nothing where nothing was measured.

    Arguments as for `attached`.
    """
    here = folder / "measured" / method_of(label)
    parts = [path for path in recorded if path.parent == here and path.suffix == ".npy"]
    parts.sort(key=lambda path: int(path.stem.removeprefix("part_").split("of")[0]))
    described = [{"path": str(path), "sha256": files.sha256(path), "bytes": path.stat().st_size} for path in parts]
    return {"measured.json": {method_of(label): described}} if parts else {}
