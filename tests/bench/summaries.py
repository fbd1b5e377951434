"""Whole test sets: what 1,500 measured heartbeats cost beside 15, to explain and to score, that parts change nothing, and full-size MIT-BIH.

The heartbeats are those of `PELLUCID_REAL_DATA`, which holds 100 of each class for training and for testing, and copies
of them with another amplitude and some noise. Methods of the set `all` that need more seconds for one example than the
limit are left out and named:

    python -m tests.bench summaries 0.5
    python -m tests.bench summaries scores    # the scores of measured heartbeats alone

The time of a job is its CPU time, as Snakemake measured it in the warm process, so without the imports.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.config import summary_files
from pellucid.config.experiment_files import names
from pellucid.config.resolution import resolve
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
LIMIT = 0.5  # seconds for one more example
SHOWN = (1, 5)  # shown examples of each class whose difference tells what one more costs


def main(arguments: Sequence[str] = ()) -> None:
    """Measure all of it; the argument is the limit in seconds."""
    given = os.environ.get("PELLUCID_REAL_DATA")
    if not given:
        print("Summaries of whole test sets: left out, PELLUCID_REAL_DATA names no folder with real heartbeats")
        sys.exit(LEFT_OUT)
    real = Path(given).resolve() / "mitbih"
    if list(arguments) == ["scores"]:
        with tempfile.TemporaryDirectory() as name:
            _heartbeats(Path(name), real)
            _measured_scores(
                Path(name), list(names(resolve(_content(Path(name), {"only": "all"}, 0)), "mitbih", "methods"))
            )
        return
    limit = float(arguments[0]) if arguments else LIMIT
    with tempfile.TemporaryDirectory() as name:
        kept = _measured(Path(name), real, limit)
        _parts(Path(name))
        _scores(Path(name), kept)
        _measured_scores(Path(name), kept)
    with tempfile.TemporaryDirectory() as name:
        _full_size(Path(name), real)


def _measured(folder: Path, real: Path, limit: float) -> list[str]:
    """Explain 15 and 1,500 heartbeats by all methods but the slowest; return those."""
    _heartbeats(folder, real)
    per_example = _seconds_of_each(folder)
    slow = {name: seconds for name, seconds in per_example.items() if seconds > limit}
    kept = [name for name in per_example if name not in slow]
    print(f"MIT-BIH, measured heartbeats; heartbeat_cnn, memory_mb {MEMORY_MB}, one thread")
    print(f"{len(kept)} of {len(per_example)} methods take at most {limit:g} s for one more example. Left out:")
    print(textwrap.fill(", ".join(f"{name} {slow[name]:.2g} s" for name in sorted(slow)) or "none", 100), flush=True)
    costs, disk = [], []
    for measured in (FEW, MANY):
        _build(folder, {"only": kept}, measured)
        costs.append(_costs(folder))
        disk.append(_disk(folder))
    counts = (FEW * CLASSES, MANY * CLASSES)
    row("", *(f"{count:,}" for count in counts), "times")
    for title, prefix in (
        ("CPU s: explaining", "measure_"),
        ("CPU s: permutation importance", "permutation"),
        ("CPU s: class maps, importance, groups", "summarise_"),
    ):
        few, many = (sum(cost for job, (cost, _) in found.items() if job.startswith(prefix)) for found in costs)
        # Jobs of few examples may end before they are measured.
        row(title, few or "too short", many, many / few if few else "")
    row("MB on disk: maps and summaries", *disk, disk[1] / disk[0])
    for count, found in zip(counts, costs, strict=True):
        job, (_, memory) = max(found.items(), key=lambda item: item[1][1])
        row(f"MB of the largest job, {count:,}: {job}", memory, "limit", MEMORY_MB + 1024)
    print(flush=True)
    return kept


def _heartbeats(folder: Path, real: Path) -> None:
    """Write 500 heartbeats for training and 1,500 for testing."""
    write(folder / "train.csv", real / "mitbih_train.csv", [100] * CLASSES)
    write(folder / "test.csv", real / "mitbih_test.csv", [MANY] * CLASSES)


def _seconds_of_each(folder: Path) -> dict[str, float]:
    """Return the seconds that each method of the set `all` takes for one more heartbeat, as its job says."""
    methods = list(names(resolve(_content(folder, {"only": "all"}, 0)), "mitbih", "methods"))
    files = [f"results/mitbih/explain/{method}/cost.json" for method in methods]
    seconds = []
    for shown in SHOWN:
        _build(folder, {"only": "all"}, 0, *files, shown=shown)
        costs = [json.loads((folder / file).read_text()) for file in files]
        seconds.append([sum(cost["seconds"] for cost in of_variants.values()) for of_variants in costs])
    more = CLASSES * (SHOWN[1] - SHOWN[0])
    return {name: max(many - few, 0) / more for name, few, many in zip(methods, *seconds, strict=True)}


def _parts(folder: Path) -> None:
    """Explain 100 heartbeats in 1, 4 and 16 parts, and compare every byte."""
    made = []
    for parts in PARTS:
        _build(folder, {"only": [*IN_PARTS]}, 20, parts=parts)
        made.append(dict(_bytes(folder, parts)))
    equal = all(other == made[0] for other in made)
    print(f"100 heartbeats by {', '.join(IN_PARTS)} in {', '.join(map(str, PARTS))} parts")
    row(f"{len(made[0])} maps and summaries", "the same bytes" if equal else "DIFFERENT")
    print(flush=True)
    if not equal:
        sys.exit("parts change the results")


def _scores(folder: Path, kept: Sequence[str]) -> None:
    """Score the shown heartbeats by the whole set `all` of scores."""
    _build(folder, {"only": [*kept]}, 0, "results/mitbih/score/leaderboard.csv", scores="all")
    found = {job: cost for job, cost in _costs(folder).items() if job.startswith("score_")}
    print(f"{len(found)} scores of {len(kept)} methods on {CLASSES} shown heartbeats")
    row("CPU s", sum(cost for cost, _ in found.values()))
    job, (_, memory) = max(found.items(), key=lambda item: item[1][1])
    row(f"MB of the largest job: {job}", memory, "limit", MEMORY_MB + 1024)
    print(flush=True)


def _measured_scores(folder: Path, kept: Sequence[str]) -> None:
    """Score 15 and 1,500 measured heartbeats by the whole set `all` of scores, the explanations of each method."""
    counts, costs = (FEW * CLASSES, MANY * CLASSES), []
    for scored in (FEW, "measured"):
        target = "results/mitbih/score/leaderboard.csv"
        _build(folder, {"only": [*kept]}, MANY, target, scores="all", scored=scored)
        costs.append({job: cost for job, cost in _costs(folder).items() if job.startswith(("score_", "check"))})
    print(f"Scores of measured heartbeats, {len(kept)} methods, all scores: CPU s")
    row("", *(f"{count:,}" for count in counts), f"MB, {counts[1]:,}")
    for job in sorted(costs[1]):
        row(job.removeprefix("score_"), costs[0][job][0], *costs[1][job])
    row("all", *(sum(cost for cost, _ in found.values()) for found in costs))
    job, (_, memory) = max(costs[1].items(), key=lambda item: item[1][1])
    row(f"MB of the largest job: {job}", memory, "limit", MEMORY_MB + 1024)
    here = folder / "results" / "mitbih" / "score"
    row("MB on disk: tables and values", sum(path.stat().st_size for path in here.rglob("*") if path.is_file()) / 1e6)
    print(flush=True)


def _full_size(folder: Path, real: Path) -> None:
    """Go from files of the size of the published ones to the class maps of every test beat."""
    write(folder / "train.csv", real / "mitbih_train.csv", TRAIN)
    write(folder / "test.csv", real / "mitbih_test.csv", TEST)
    size = sum((folder / f"{name}.csv").stat().st_size for name in ("train", "test")) / 1e6
    figures = [f"results/mitbih/summaries/{name}/class_maps.png" for name in OF_ALL["only"]]
    _build(folder, OF_ALL, "all", *figures, parts=4)
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


def _content(
    folder: Path,
    methods: dict[str, Any],
    measured: int | str,
    *,
    parts: int = 1,
    scores: str = "none",
    shown: int = 1,
    scored: int | str = "shown",
) -> dict[str, Any]:
    """Return the configuration."""
    experiment = {
        "dataset": {
            "source": "mitbih",
            **{name: str(folder / f"{name}.csv") for name in ("train", "test")},
            **{f"{name}_sha256": "none" for name in ("train", "test")},
            "samples": 186,
        },
        "model": {"architecture": "heartbeat_cnn", "batch_norm_momentum": 0.9},
        "training": {"epochs": 1, "class_weights": "balanced"},
        "examples": {"per_class": shown, "choose": "any", "summarise": measured, "parts": parts, "scored": scored},
        "methods": methods,
        "scores": scores,
        "views": "none",
    }
    return {"run": ["mitbih"], "memory_mb": MEMORY_MB, "experiments": {"mitbih": experiment}}


def _build(
    folder: Path,
    methods: dict[str, Any],
    measured: int | str,
    *targets: str,
    **settings: Any,
) -> None:
    """Make the targets, or the summaries of every method; what is there already stays. `settings` are of `_content`."""
    content = _content(folder, methods, measured, **settings)
    tiny.write_config(folder, content)
    wanted = targets or summary_files.flags(resolve(content), "mitbih")
    done = subprocess.run(
        tiny.command(folder, "--cores", "2", "--", *wanted),
        cwd=folder,
        env=tiny.environment(),
        check=False,
        capture_output=True,
        text=True,
    )
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


def _disk(folder: Path) -> float:
    """Return the MB of maps and summaries."""
    here = folder / "results" / "mitbih"
    paths = [path for name in ("measured", "summaries") for path in (here / name).rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in paths) / 1e6


def _bytes(folder: Path, parts: int) -> Iterator[tuple[str, bytes]]:
    """Yield the maps of each method, joined, and every summary."""
    here = folder / "results" / "mitbih"
    for method in IN_PARTS:
        names = [here / "measured" / method / f"part_{part}of{parts}.npy" for part in range(1, parts + 1)]
        yield method, np.concatenate([np.load(name) for name in names]).tobytes()
        for path in sorted((here / "summaries" / method).iterdir()):
            if path.suffix != ".svg":
                yield f"{method}/{path.name}", path.read_bytes()
