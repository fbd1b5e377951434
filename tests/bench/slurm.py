"""Overhead of a job on Slurm: the same small run with each job of its own and in groups, on a Slurm of this machine.

Overhead is the time from a job's submission to its end less the time that its scripts took, by the benchmarks.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.bench.page import LEFT_OUT
from tests.bench.timing import row
from tests.conftest import ROOT
from tests.support import slurm, tiny

METHODS = ("saliency", "grad_cam", "gradient_input", "integrated_gradients", "occlusion", "smoothgrad")
CONFIG = {
    "run": ["digits"],
    "defaults": {"training": {"epochs": 2, "batch_size": 128}, "examples": {"per_class": 1}},
    "experiments": {"digits": {**tiny.DIGITS, "methods": {"only": list(METHODS)}, "scores": {"only": ["form"]}}},
}


def main() -> None:
    """Run both and print what they took."""
    try:
        with slurm.cluster() as cluster:
            print("Slurm with one node on this machine, digits with six methods, seconds")
            for title, edit in (("each job of its own", _ungrouped), ("in groups", str)):
                _measure(cluster, title, edit((ROOT / "profiles" / "slurm" / "profile.yaml").read_text()))
            print()
    except pytest.skip.Exception as reason:
        print(f"Slurm: left out, {reason}")
        sys.exit(LEFT_OUT)


def _ungrouped(profile: str) -> str:
    return "\n".join(line for line in profile.splitlines() if not line.startswith(("groups:", "group-components:")))


def _measure(cluster: slurm.Cluster, title: str, profile: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tiny.write_config(folder, CONFIG)
        (folder / "profiles" / "here").mkdir(parents=True)
        (folder / "profiles" / "here" / "profile.yaml").write_text(profile)
        before, start = set(cluster.times()), time.monotonic()
        subprocess.run(
            tiny.command(folder, "--profile", str(folder / "profiles" / "here"), "results"),
            cwd=folder,
            env=tiny.environment() | {"SLURM_CONF": str(cluster.folder / "slurm.conf")},
            capture_output=True,
            check=True,
        )
        wall = time.monotonic() - start
        times = {job: took for job, took in cluster.times().items() if job not in before}
        scripts = sum(_seconds(path) for path in folder.glob("results/*/benchmarks/*.tsv"))
        jobs = sum(1 for _ in folder.glob("results/*/logs/*.log"))
    row(f"{title}: jobs of Snakemake, of Slurm", f"{jobs}, {len(times)}")
    row(f"{title}: whole run", f"{wall:.0f}")
    row(f"{title}: Slurm's jobs from submission to end, summed", f"{sum(times.values()):.0f}")
    row(f"{title}: scripts of the jobs with a benchmark, summed", f"{scripts:.0f}")
    row(f"{title}: from submission to end, for each job of Snakemake", f"{sum(times.values()) / jobs:.1f}")


def _seconds(path: Path) -> float:
    with path.open() as lines:
        return float(next(csv.DictReader(lines, delimiter="\t"))["s"])
