"""Rows of the benchmark of peers in a folder, so that several runs, or one that was ended, are put together."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass
class Taken:
    """Seconds for all inputs of a case, at a batch size; `part` where fewer inputs were measured."""

    seconds: float
    size: int
    part: bool = False

    def __str__(self) -> str:
        return f"{'~' if self.part else ''}{self.seconds:.3g}"


@dataclass
class Row:
    """What was found for one method on one case."""

    case: str
    method: str
    first: float
    later: Taken
    floor: float
    peers: dict[str, Taken] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def fastest(self) -> tuple[str, Taken] | None:
        """The fastest peer and what it took; None where no peer has the method."""
        return min(self.peers.items(), key=lambda item: item[1].seconds) if self.peers else None


def read(folder: Path | None, case: str, method: str) -> Row | None:
    """Return a row that an earlier run has left; None where there is none."""
    if folder is None or not (path := _path(folder, case, method)).is_file():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    peers = {name: Taken(**taken) for name, taken in found.pop("peers").items()}
    return Row(**{**found, "later": Taken(**found["later"])}, peers=peers)


def write(folder: Path | None, row: Row) -> None:
    """Leave a row for later runs."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        _path(folder, row.case, row.method).write_text(json.dumps(asdict(row)), encoding="utf-8")


def _path(folder: Path, case: str, method: str) -> Path:
    return folder / f"{case.replace(' ', '-')}-{method}.json"
