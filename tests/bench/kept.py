"""Keep what a part of a long benchmark found, so that a benchmark that was ended goes on with the parts that are left."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_ROOT = Path(__file__).resolve().parents[2]
# Not under version control.
FOLDER = _ROOT / "build" / "bench"


class Part(NamedTuple):
    """What a part found.

    Attributes:
        found: its numbers.
        seconds: that it took when it was measured.
    """

    found: NDArray[np.float64]
    seconds: float


def part(name: str, files: tuple[str, ...], measured: Callable[[], NDArray[np.float64]], folder: Path = FOLDER) -> Part:
    """Return what a part finds: from the folder if the code is still the same, else measured and kept there.

    Args:
        name: of the part, unique in the benchmark.
        files: modules of `tests/bench` that the numbers come from, such as "published_masks.py". The whole package
            counts, too.
        measured: measures the part.
        folder: where to keep it.
    """
    path = folder / f"{hashlib.sha256(f'{name} {_code(files)}'.encode()).hexdigest()[:16]}.npz"
    if path.is_file():
        with np.load(path) as kept:
            return Part(kept["found"], float(kept["seconds"]))
    start = time.perf_counter()
    made = Part(measured(), time.perf_counter() - start)
    folder.mkdir(parents=True, exist_ok=True)
    # Moved when it is whole: a benchmark may be ended at any time.
    unfinished = path.with_suffix(".unfinished.npz")
    np.savez(unfinished, found=made.found, seconds=made.seconds)
    unfinished.replace(path)
    return made


def _code(files: tuple[str, ...]) -> str:
    """Return a digest of the modules and of the package."""
    package = sorted((_ROOT / "workflow" / "pellucid").rglob("*.py"))
    digest = hashlib.sha256()
    for path in [*(Path(__file__).with_name(name) for name in files), *package]:
        digest.update(f"{path.relative_to(_ROOT)} {path.stat().st_size} ".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
