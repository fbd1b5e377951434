"""Whole test sets: what 1,500 measured heartbeats cost beside 15, that parts change nothing, and full-size MIT-BIH.

The heartbeats are those of `PELLUCID_REAL_DATA`, which holds 100 of each class for training and for testing, and copies
of them with another amplitude and some noise. Every method of the set `all` explains 15 of them; those that need more
seconds for one example than the limit are left out, and the others explain 1,500:

    python -m tests.bench summaries 0.5

The time of a job is its CPU time, as Snakemake measured it in the warm process, so without the imports.
"""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.bench.page import LEFT_OUT
from tests.bench.timing import row
from tests.support import tiny

MEMORY_MB = 256
CLASSES = 5
MANY, FEW = 300, 3  # measured examples of each class
# Rows of the published files, by class (N, S, V, F, Q).
TRAIN, TEST = (72_471, 2_223, 5_788, 641, 6_431), (18_118, 556, 1_448, 162, 1_608)
# These explain all 21,892 test beats: one pass, one pass and back for 51 points, and 29 windows.
OF_ALL: dict[str, Any] = {"only": ["saliency", "grad_cam", "occlusion"], "occlusion": {"stride": 6}}
# What the bytes of parts are compared by: a gradient, random draws, masks.
IN_PARTS = ("saliency", "gradient_shap", "rise")
PARTS = (1, 4, 16)
LIMIT = 0.5  # seconds of CPU for one example


def main(arguments: Sequence[str] = ()) -> None:
    """Measure all three; the argument is the limit in seconds."""
    given = os.environ.get("PELLUCID_REAL_DATA")
    if not given:
        print("Summaries of whole test sets: left out, PELLUCID_REAL_DATA names no folder with real heartbeats")
        sys.exit(LEFT_OUT)
    real = Path(given).resolve() / "mitbih"
    limit = float(arguments[0]) if arguments else LIMIT
    with tempfile.TemporaryDirectory() as name:
        _measured(Path(name), real, limit)
        _parts(Path(name))
    with tempfile.TemporaryDirectory() as name:
        _full_size(Path(name), real)


def _measured(folder: Path, real: Path, limit: float) -> None:
    """Explain 15 heartbeats by every method, and 1,500 by all but the slowest."""
    write(folder / "train.csv", real / "mitbih_train.csv", [100] * CLASSES)
    write(folder / "test.csv", real / "mitbih_test.csv", [MANY] * CLASSES)
    few = CLASSES * FEW
    _build(folder, {"only": "all"}, FEW, scores="all")
    once = _costs(folder)
    per_example = {job.split("_", 1)[1].rsplit("_", 1)[0]: cost / few for job, (cost, _) in _of(once, "measure_")}
    slow = sorted(name for name, seconds in per_example.items() if seconds > limit)
    kept = [name for name in per_example if name not in slow]
    print(f"MIT-BIH, measured heartbeats; heartbeat_cnn, memory_mb {MEMORY_MB}, one thread")
    print(f"{len(kept)} of {len(per_example)} methods need at most {limit:g} s of CPU for an example. Left out:")
    print("  " + (", ".join(f"{name} {per_example[name]:.1f} s" for name in slow) or "none"))
    _build(folder, {"only": kept}, FEW, scores="none")
    small, small_disk = _costs(folder), _disk(folder)
    _build(folder, {"only": kept}, MANY, scores="none")
    large, large_disk = _costs(folder), _disk(folder)
    row("", few, MANY * CLASSES, "times")
    for title, prefix in (
        ("CPU s: explaining", "measure_"),
        ("CPU s: permutation importance", "permutation"),
        ("CPU s: class maps, importance, groups", "summarise_"),
        ("CPU s: their figures", "draw_"),
    ):
        before, after = (sum(cost for _, (cost, _) in _of(costs, prefix)) for costs in (small, large))
        row(title, before, after, after / before)
    row("MB on disk: maps and summaries", small_disk, large_disk, large_disk / small_disk)
    for title, costs in (("15", small), ("1,500", large)):
        job, (_, memory) = max(costs.items(), key=lambda item: item[1][1])
        row(f"largest job with {title}: {job}, MB", memory, "limit", MEMORY_MB + 1024)
    scored = [(job, cost) for job, cost in once.items() if job.startswith("score_")]
    row(
        f"CPU s: all {len(scored)} scores of {len(per_example)} methods, {few} shown",
        sum(cost for _, (cost, _) in scored),
    )
    print()


def _parts(folder: Path) -> None:
    """Explain 100 heartbeats in 1, 4 and 16 parts, and compare every byte."""
    made = []
    for parts in PARTS:
        _build(folder, {"only": [*IN_PARTS]}, 20, scores="none", parts=parts)
        made.append(dict(_content(folder, parts)))
    equal = all(other == made[0] for other in made)
    print(f"100 heartbeats by {', '.join(IN_PARTS)} in {', '.join(map(str, PARTS))} parts")
    row(f"{len(made[0])} maps and summaries", "the same bytes" if equal else "DIFFERENT")
    print()
    if not equal:
        sys.exit("parts change the results")


def _full_size(folder: Path, real: Path) -> None:
    """Go from files of the size of the published ones to the class maps of every test beat."""
    write(folder / "train.csv", real / "mitbih_train.csv", TRAIN)
    write(folder / "test.csv", real / "mitbih_test.csv", TEST)
    size = sum((folder / f"{name}.csv").stat().st_size for name in ("train", "test")) / 1e6
    _build(folder, OF_ALL, "all", scores="none", parts=4)
    costs = _costs(folder)
    print(
        f"MIT-BIH in full size ({sum(TRAIN):,} + {sum(TEST):,} beats, {size:.0f} MB), one epoch, all test beats explained"
    )
    row("", "CPU s", "MB")
    for job, (cost, memory) in sorted(costs.items()):
        if cost >= 1:
            row(job, cost, memory)
    row("all jobs, the largest", sum(cost for cost, _ in costs.values()), max(memory for _, memory in costs.values()))
    row("limit of a job", "", MEMORY_MB + 1024)
    row("MB on disk: maps and summaries", _disk(folder))
    print()


def write(path: Path, real: Path, counts: Sequence[int]) -> None:
    """Write so many heartbeats of each class: the real ones, and copies with another amplitude and some noise."""
    table = np.loadtxt(real, delimiter=",", dtype=np.float32)
    rng = np.random.default_rng(0)
    with path.open("w") as file:
        for label, count in enumerate(counts):
            beats = table[table[:, -1] == label, :-1]
            for start in range(0, count, 10_000):
                _append(file, _copies(beats, start, min(start + 10_000, count), rng), label)


def _copies(beats: NDArray[Any], start: int, end: int, rng: np.random.Generator) -> NDArray[Any]:
    places = np.arange(start, end)
    chosen = beats[places % len(beats)]
    again = (places >= len(beats))[:, np.newaxis]
    changed = chosen * rng.uniform(0.9, 1.0, (len(chosen), 1)) + rng.normal(0, 0.005, chosen.shape)
    # The padding behind a beat stays zero, as in the published files.
    return np.where(again & (chosen > 0), np.clip(changed, 0, 1), chosen)


def _append(file: Any, beats: NDArray[Any], label: int) -> None:
    rows = (f"{','.join(f'{value:.6f}' for value in beat)},{label:.6f}\n" for beat in beats.tolist())
    file.writelines(rows)


def _build(folder: Path, methods: dict[str, Any], measured: int | str, *, scores: str, parts: int = 1) -> None:
    """Run everything of one experiment; what is there already stays."""
    experiment = {
        "dataset": {
            "source": "mitbih",
            **{name: f"{name}.csv" for name in ("train", "test")},
            **{f"{name}_sha256": "none" for name in ("train", "test")},
            "samples": 186,
        },
        "model": {"architecture": "heartbeat_cnn", "batch_norm_momentum": 0.9},
        "training": {"epochs": 1, "class_weights": "balanced"},
        "examples": {"per_class": FEW, "choose": "any", "summarise": measured, "parts": parts},
        "methods": methods,
        "scores": {"only": scores},
        "views": "none",
    }
    content = {"run": ["mitbih"], "memory_mb": MEMORY_MB, "experiments": {"mitbih": experiment}}
    tiny.write_config(folder, content)
    command = tiny.command(folder, "--cores", "2", "results")
    done = subprocess.run(command, cwd=folder, env=tiny.environment(), check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-3000:])


def _costs(folder: Path) -> dict[str, tuple[float, float]]:
    """Return CPU seconds and largest memory in MB of every job, by its name; a job that ran again counts once."""
    costs = {}
    for path in (folder / "results" / "mitbih" / "benchmarks").rglob("*.tsv"):
        with path.open() as lines:
            line = next(csv.DictReader(lines, delimiter="\t"))
        costs[path.stem] = (_number(line["cpu_time"]), _number(line["max_rss"]))
    return costs


def _number(text: str) -> float:
    """Return a number of a benchmark; a job that ends before it is measured has none."""
    return float(text) if re.fullmatch(r"[\d.]+", text) else 0.0


def _of(costs: dict[str, tuple[float, float]], prefix: str) -> Iterator[tuple[str, tuple[float, float]]]:
    """Yield the jobs of whole test sets whose name begins so."""
    for job, cost in costs.items():
        if job.startswith(prefix) and (prefix != "draw_" or re.match("draw_(class_maps|importance|map_groups)", job)):
            yield job, cost


def _disk(folder: Path) -> float:
    """Return the MB of maps and summaries."""
    here = folder / "results" / "mitbih"
    paths = [path for name in ("measured", "summaries") for path in (here / name).rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in paths) / 1e6


def _content(folder: Path, parts: int) -> Iterator[tuple[str, bytes]]:
    """Yield the maps of each method, joined, and every summary."""
    here = folder / "results" / "mitbih"
    for method in IN_PARTS:
        names = [here / "measured" / method / f"part_{part}of{parts}.npy" for part in range(1, parts + 1)]
        yield method, np.concatenate([np.load(name) for name in names]).tobytes()
        for path in sorted((here / "summaries" / method).iterdir()):
            if path.suffix != ".svg":
                yield f"{method}/{path.name}", path.read_bytes()
