"""How long a newcomer waits: for the first figure of an explanation, for the demonstration, for one explanation of a
model and signals of one's own; and how many jobs make one figure that is asked for by name.

Everything runs as a user runs it, from the installed package, in an empty folder.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tests.bench.timing import row
from tests.support import tiny

ROOT = Path(__file__).resolve().parents[2]
PELLUCID = [sys.executable, "-m", "pellucid.cli.main"]
WORKFLOW = ["--snakefile", str(ROOT / "Snakefile"), "--configfile", str(ROOT / "config.yaml")]
SNAKEMAKE = [sys.executable, "-m", "snakemake", *WORKFLOW]
FIGURE = "results/digits/explain/grad_cam/grad_cam.png"


def main() -> None:
    """Measure each of the four; the goals are those of the project, on two cores."""
    print("From an installed package, 2 cores")
    row("", "here", "goal")
    with _folder() as folder:
        for experiment, seconds in _first_figures(folder):
            row(f"seconds to the first figure: {experiment}", seconds, 60 if experiment == "the first" else "")
    with _folder() as folder:
        row("seconds of pellucid demo", _seconds([*PELLUCID, "demo", "--cores", "2"], folder), 90)
    with _folder() as folder:
        _write_own(folder)
        words = ["explain", "model.keras", "signals.csv", "--method", "grad_cam"]
        row("seconds of pellucid explain, ten signals", _seconds([*PELLUCID, *words], folder), 20)
    with _folder() as folder:
        row("jobs of one figure by name", _jobs(folder, FIGURE), 8)
    print()


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _first_figures(folder: Path) -> Iterator[tuple[str, float]]:
    """Yield when the first figure stands after the start of a whole run, and the first of each experiment; then end it."""
    command = [*SNAKEMAKE, "--directory", str(folder), "--cores", "2"]
    begun = time.time()
    seen: dict[str, float] = {}
    with tiny.started(command, folder, folder / "run.log") as process:
        while process.poll() is None and len(seen) < 3:
            for figure in folder.glob("results/*/explain/*/*.png"):
                seen.setdefault(figure.parts[-4], figure.stat().st_mtime - begun)
            time.sleep(0.2)
    if not seen:
        sys.exit((folder / "run.log").read_text()[-3000:])
    yield "the first", min(seen.values())
    yield from seen.items()


def _write_own(folder: Path) -> None:
    """Write a model and ten signals, as somebody brings them."""
    script = (
        "import keras; i = keras.Input((300, 1)); x = keras.layers.Conv1D(16, 9, activation='relu')(i);"
        "x = keras.layers.Conv1D(16, 9, activation='relu')(x); x = keras.layers.GlobalAveragePooling1D()(x);"
        "keras.Model(i, keras.layers.Dense(3, activation='softmax')(x)).save('model.keras')"
    )
    subprocess.run([sys.executable, "-c", script], cwd=folder, env=_environment(), check=True, capture_output=True)
    np.savetxt(folder / "signals.csv", np.random.default_rng(0).normal(size=(10, 300)), delimiter=",")


def _seconds(command: list[str], folder: Path) -> float:
    begun = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=_environment(), check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    return time.perf_counter() - begun


def _jobs(folder: Path, target: str) -> int:
    """Return how many jobs a plan of `target` has."""
    command = [*SNAKEMAKE, "--directory", str(folder), "--dry-run", "--", target]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    found = re.search(r"^total +(\d+)$", done.stdout + done.stderr, re.MULTILINE)
    return int(found[1]) if found else 0


def _environment() -> dict[str, str]:
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
