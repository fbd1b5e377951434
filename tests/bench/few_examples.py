"""Balanced test accuracy of `training: few_examples` against the defaults, on few of the real heartbeats of
`PELLUCID_REAL_DATA`: the same rows, split and seed for both, and 500 test rows that neither has seen.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from pellucid.config.resolution import resolve
from pellucid.network import runtime
from tests.bench import heartbeats
from tests.bench.page import LEFT_OUT
from tests.bench.timing import row

SEEDS = (1, 2, 3)
SIZES = (200, 300, 500)
CLASSES = 5


def main() -> None:
    """Train both on so many rows, drawn class by class, once per seed."""
    real = os.environ.get("PELLUCID_REAL_DATA")
    if not real:
        print("Few examples: left out, PELLUCID_REAL_DATA is not set")
        sys.exit(LEFT_OUT)
    runtime.start(1)
    print("Real heartbeats, heartbeat_cnn, 500 test rows, 100 of each class: balanced test accuracy,")
    print(f"mean ± sd of {len(SEEDS)} seeds")
    for size in SIZES:
        for name, training in (("the defaults", {}), ("training: few_examples", "few_examples")):
            found = [_accuracy(Path(real) / "mitbih", training, size, seed) for seed in SEEDS]
            row(f"{size} rows, {name}", f"{np.mean(found):.3f} ± {np.std(found, ddof=1):.3f}")
    print()


def _accuracy(rows: Path, training: dict[str, object] | str, size: int, seed: int) -> float:
    """Draw the rows of one seed, train as the configuration says, and test."""
    experiment = {
        "dataset": {"source": "mitbih", **heartbeats.paths_in(rows), "samples": 186},
        "model": {"architecture": "heartbeat_cnn"},
        "training": training,
    }
    settings = resolve({"run": ["few"], "experiments": {"few": experiment}}).experiments["few"]
    with tempfile.TemporaryDirectory() as folder:
        drawn = Path(folder) / "rows"
        drawn.mkdir()
        draw(rows / "mitbih_train.csv", drawn / "mitbih_train.csv", size, seed)
        (drawn / "mitbih_test.csv").symlink_to((rows / "mitbih_test.csv").resolve())
        return heartbeats.ours(settings, drawn, Path(folder), seed)


def draw(source: Path, target: Path, size: int, seed: int) -> None:
    """Write `size` lines of a file of heartbeats, as many of each class, in the order of the file."""
    lines = source.read_text().splitlines()
    classes = np.array([float(line.rsplit(",", 1)[1]) for line in lines])
    rng = np.random.default_rng(seed)
    chosen = [rng.permutation(np.flatnonzero(classes == label))[: size // CLASSES] for label in range(CLASSES)]
    target.write_text("\n".join(lines[at] for at in np.sort(np.concatenate(chosen))) + "\n")
