"""Long signals, 12 leads of 1,250, 5,000 and 20,000 samples: what each job costs as they get longer, and its figures.

The whole workflow runs once for each length, from the file to the page and the record. All jobs run in one
process, so that a job's CPU time is without the imports. A cost that is linear in the length grows by
(16 - 4) / (4 - 1) = 4 times as much from the second to the third length as from the first to the second, a quadratic
one by 16; what does not depend on the length falls out.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.jobs.warm_start import SWITCH
from tests.bench.timing import row
from tests.conftest import ROOT
from tests.support import tiny

PATHS = os.pathsep.join([str(ROOT), str(ROOT / "workflow")])
LENGTHS = (1_250, 5_000, 20_000)
LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
RATE, EXAMPLES = 500, 48
# The goals for a figure of 12 leads of 5,000 samples.
SECONDS, KILOBYTES = 2.0, 500.0
# Below it a job is too short to tell how it grows; and how much more than linear counts as linear.
SHORT, LINEAR = 1.0, 1.5
METHODS: dict[str, Any] = {
    "only": ["saliency", "occlusion", "integrated_gradients", "deep_shap", "rise", "kernel_shap", "lrp"],
    "occlusion": {"window": 50, "stride": 25},
    "rise": {"masks": 50},
    "kernel_shap": {"samples": 50},
}
EXPERIMENT = {
    "title": "Twelve leads with a planted bump",
    "model": {"architecture": "gap_cnn", "filters": [8, 8], "kernels": [9, 9], "pool": 4},
    "training": {"epochs": 1, "batch_size": 8},
    "examples": {"per_class": 2, "summarise": 4, "choose": "any"},
    "methods": METHODS,
    "views": ["activations", "maximal_activations", "activation_maximisation"],
    "scores": ["deletion_insertion", "sufficiency", "sensitivity"],
}


def main() -> None:
    """Run the workflow for each length, and print costs and sizes."""
    costs: list[dict[str, float]] = []
    sizes: dict[str, float] = {}
    for length in LENGTHS:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            _run(folder, length)
            print(f"{length:,} samples: {sum(_costs(folder).values()):.0f} s of CPU", file=sys.stderr, flush=True)
            costs.append(_costs(folder))
            if length == LENGTHS[1]:
                sizes = {
                    str(path.relative_to(folder / "results/long")): path.stat().st_size / 1000
                    for path in (folder / "results" / "long").rglob("*")
                    if path.suffix in (".png", ".svg")
                }
    _print_figures(costs[1], sizes)
    _print_growth(costs)


def _print_figures(costs: dict[str, float], sizes: dict[str, float]) -> None:
    drawn = {job: cost for job, cost in costs.items() if job.startswith("draw")}
    print(f"12 leads of {LENGTHS[1]:,} samples: {len(drawn)} jobs that draw, {len(sizes)} files")
    row("", "here", "goal")
    row("CPU seconds of a job that draws, median", float(np.median([*drawn.values()])), SECONDS)
    row("the longest", max(drawn.values()), SECONDS)
    row("kB of a file, median", float(np.median([*sizes.values()])), KILOBYTES)
    row("the largest", max(sizes.values()), KILOBYTES)
    for name, value in sorted(drawn.items()):
        if value > SECONDS:
            row(f"above the goal: {name}, seconds", value)
    for name, value in sorted(sizes.items()):
        if value > KILOBYTES:
            row(f"above the goal: {name}, kB", value)
    print()


def _print_growth(costs: list[dict[str, float]]) -> None:
    print(
        f"CPU seconds of each job by the number of samples; growth: 1 is linear, 4 quadratic (jobs of {SHORT:g} s or more)"
    )
    row("", *(f"{length:,}" for length in LENGTHS), "growth")
    above = 0
    for job in sorted(costs[-1]):
        of_job = [cost.get(job, float("nan")) for cost in costs]
        if of_job[-1] < SHORT:
            continue
        first, second = of_job[1] - of_job[0], of_job[2] - of_job[1]
        growth = second / max(4 * first, 4 * 0.05)
        above += growth > LINEAR
        row(job, *of_job, growth)
    row(f"jobs that grow by more than {LINEAR:g}", above, "goal 0")
    print()


def _run(folder: Path, length: int) -> None:
    """Write the signals and run everything in one process, which notes what each job takes."""
    rng = np.random.default_rng(0)
    beat = np.exp(-0.5 * ((np.arange(length) % 400 - 200) / 6.0) ** 2)
    x = rng.normal(0, 0.05, (EXAMPLES, length, len(LEADS)))
    x += beat[:, np.newaxis] * rng.uniform(0.5, 1.5, (EXAMPLES, 1, len(LEADS)))
    y = np.arange(EXAMPLES) % 2
    x[y == 1, length // 2 : length // 2 + 60, 1] += 1
    np.savez(folder / "x.npz", x=x.astype(np.float32), y=y)
    data = {"source": "table", "file": "x.npz", "label": "y", "channels": [*LEADS], "sampling_rate": RATE, "unit": "mV"}
    tiny.write_config(folder, {"run": ["long"], "experiments": {"long": {**EXPERIMENT, "dataset": data}}})
    _, _, _, *options = tiny.command(folder, "--cores", "1", "results")
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.one_process", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": PATHS, SWITCH: "0", "PELLUCID_BENCH_TIMES": str(folder / "times.tsv")},
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(done.stderr[-3000:])


def _costs(folder: Path) -> dict[str, float]:
    """Return the CPU seconds of every job, by its name."""
    lines = (folder / "times.tsv").read_text().splitlines()
    return {name: float(cpu) for name, cpu, _ in (line.split("\t") for line in lines)}
