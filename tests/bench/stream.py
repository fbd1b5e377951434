"""A set ten times the memory that is configured, from its file to an explanation: peak memory of every stage."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from tests.bench.page import LEFT_OUT
from tests.bench.timing import row

BUDGET = 64  # memory_mb
SHAPE, CLASSES = (1000, 4), ("slow", "fast")
BYTES = 4 * SHAPE[0] * SHAPE[1]
LARGE, TINY = 10 * BUDGET * 2**20 // BYTES, 400
STAGES = ("preprocess", "train", "evaluate", "explain")


def main() -> None:
    """Every stage in a process of its own, for a tiny set and for the large one.

    The difference of their peaks is what the size of the set costs; the ratio is to `memory_mb`, and has to be below 1.
    """
    if not Path("/proc/self/status").exists():
        print("Set larger than memory: left out, memory is read from /proc, which only Linux has")
        sys.exit(LEFT_OUT)
    peaks: dict[int, list[float]] = {}
    seconds: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for count in (TINY, LARGE):
            here = Path(folder) / str(count)
            here.mkdir()
            write(here / "x.npy", count)
            peaks[count] = []
            for stage in STAGES:
                started = time.perf_counter()
                peaks[count].append(peak_of(stage, here))
                seconds.append(time.perf_counter() - started)
    print(f"Set of {LARGE:,} series of {SHAPE[0]} × {SHAPE[1]}, {LARGE * BYTES / 2**20:.0f} MB, memory_mb: {BUDGET}")
    row("", "seconds", f"MB, {TINY} series", "MB, all", "more / memory_mb")
    for stage, time_, tiny, large in zip(STAGES, seconds[len(STAGES) :], peaks[TINY], peaks[LARGE], strict=True):
        row(stage, time_, tiny, large, f"{(large - tiny) / BUDGET:.2f}")
    print()


def write(path: Path, count: int) -> None:
    """Series of two classes, which differ in how fast they swing, written block by block."""
    from pellucid import files

    rng = np.random.default_rng(0)
    time_ = np.linspace(0, 2 * np.pi, SHAPE[0], dtype=np.float32)[:, np.newaxis]
    with path.open("wb") as file:
        files.write_header(file, (count, *SHAPE), np.dtype(np.float32))
        for start in range(0, count, 256):
            y = labels(count)[start : start + 256]
            x = np.sin((3 + 4 * y[:, np.newaxis, np.newaxis]) * (time_ + rng.random((len(y), 1, 1), np.float32)))
            file.write((x + 0.5 * rng.standard_normal((len(y), *SHAPE), np.float32)).astype(np.float32).tobytes())


def labels(count: int) -> NDArray[np.int64]:
    """One class and the other in turn."""
    return np.arange(count) % len(CLASSES)


def peak_of(stage: str, folder: Path) -> float:
    """The largest anonymous memory, in MB, of a process that runs a stage.

    The usual peak, VmHWM, counts the pages of mapped files as well, which the kernel takes back when it needs the room:
    it would rise with the file on any machine that has room to spare. RssAnon leaves them out, and has no peak of its
    own; it is asked from outside every few milliseconds, since a process that computes would not get round to it.
    """
    command = [sys.executable, "-m", "tests.bench.stream", stage, str(folder)]
    largest, told = 0, folder / f"{stage}.log"
    with told.open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        while process.poll() is None:
            if found := re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text()):
                largest = max(largest, int(found[1]))
            time.sleep(0.005)
    if process.returncode:
        raise RuntimeError(f"{stage} failed:\n{told.read_text()}")
    return largest / 1024


def run(stage: str, folder: Path) -> None:
    """One stage, as the workflow runs it."""
    from tests.support import prepared

    data, model = folder / "data", folder / "model" / "model.keras"
    predictions = folder / "evaluation" / "predictions.npz"
    if stage == "preprocess":
        from pellucid import plugins

        plugins.load("datasets")["mapped"] = source(folder / "x.npy")
        prepared.prepare(data, "mapped", scale="standard", memory_mb=BUDGET)
    elif stage == "train":
        network = {"architecture": "gap_cnn", "filters": [4], "kernels": [9], "batch_norm_momentum": 0.9}
        prepared.fit(data, folder, network, {**prepared.BRIEF, "learning_rate": 0.01})
    elif stage == "evaluate":
        from pellucid.evaluate.run import evaluate

        evaluate(**prepared.tested(data), model=model, threads=1, memory_mb=BUDGET, folder=predictions.parent)
    else:
        examples = prepared.choose(folder / "examples.npz", data, predictions, per_class=2, target="true")
        parameters = {"background": 50, "samples": 200}
        given = {"model": model, "examples": examples, "training": data / "x_train.npy", "memory_mb": BUDGET}
        prepared.explain(folder, "gradient_shap", parameters, **given)


def source(path: Path) -> SimpleNamespace:
    """A data source that maps the file."""
    from pellucid import files
    from pellucid.datasets.base import Examples, RawData, SourceSpec

    spec = SourceSpec("Series of the benchmark", "series", "none needed", "none", "none")

    def load(files_: object, rng: np.random.Generator) -> RawData:
        x = files.map_array(path)
        return RawData(Examples(x, labels(len(x))), None, CLASSES, tuple("abcd"))

    return SimpleNamespace(SPEC=spec, load=load)


if __name__ == "__main__":
    run(sys.argv[1], Path(sys.argv[2]))
