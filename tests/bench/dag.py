"""CPU and wall time of a whole experiment: each job a new Python, each a fork of a warm process, all in one process.

`digits` of config.yaml, with every method, view, score and figure, built three times from nothing in folders of their own.
The time is that of Snakemake and of everything that it starts. One process runs one job after another and imports once:
no way of running jobs can need less, but for what it saves by not isolating them.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pellucid.jobs.warm_start import SWITCH
from tests.bench.timing import row
from tests.conftest import ROOT
from tests.kills import loop

WAYS = {"a new Python for each job": "0", "a fork of a warm process for each job": "1", "all jobs in one process": "0"}
ONE_PROCESS = "all jobs in one process"


def main() -> None:
    """Build the experiment each way, and print seconds and their ratios."""
    used, made = dict[str, tuple[float, float, float]](), dict[str, Path]()
    with tempfile.TemporaryDirectory() as temporary:
        for way in WAYS:
            made[way] = Path(temporary) / str(len(made))
            made[way].mkdir()
            used[way] = _build(made[way], way)
        cold, warm, one = made
        print("The experiment `digits` of config.yaml, built from nothing; CPU of Snakemake and of all that it starts")
        row("", "CPU s", "ratio", "wall s", "1st figure s")
        for way, (cpu, wall, first) in used.items():
            row(way, cpu, cpu / used[one][0], wall, first)
        row("goal of the ratio, warm", "", 1.3)
        row("warm, as a share of new Pythons", used[warm][0] / used[cold][0])
        # One process has one TensorFlow with one number of threads, which is a part of the results: only those of the
        # first two are compared.
        unlike = loop.different_files(made[cold], made[warm])
        row("files that forks make otherwise than new Pythons", len(unlike))
        for name in unlike:
            print(f"    {name}")
    print()


def _build(folder: Path, way: str) -> tuple[float, float, float]:
    """Return CPU and wall seconds of a run, and the seconds until the first figure of an explanation stood."""
    alone = way == ONE_PROCESS
    options = ["--snakefile", str(ROOT / "Snakefile"), "--configfile", str(ROOT / "config.yaml")]
    options += ["--directory", str(folder), "--cores", "1" if alone else "2", "--config", "run=[digits]"]
    program = [sys.executable, "-m", "tests.bench.one_process" if alone else "snakemake"]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "workflow")])
    environment = {**os.environ, SWITCH: WAYS[way], "PYTHONPATH": paths, "TF_CPP_MIN_LOG_LEVEL": "3"}
    before, started, began = _children(), time.time(), time.perf_counter()
    done = subprocess.run(
        [*program, *options], cwd=folder, env=environment, check=False, capture_output=True, text=True
    )
    wall, cpu = time.perf_counter() - began, _children() - before
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    figures = folder.glob("results/digits/explain/*/*.png")
    return cpu, wall, min(path.stat().st_mtime for path in figures) - started


def _children() -> float:
    """Return the CPU seconds of all processes that this one started and that have ended, and of those below them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
