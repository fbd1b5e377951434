"""Snakemake whose jobs run in one other process, one after another: what benchmarks compare with, and no way to work.

With PELLUCID_BENCH_TIMES each job adds a line to the file of this name: name, CPU seconds, seconds.
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

TIMES = "PELLUCID_BENCH_TIMES"
_WORKER = "--worker"
_DONE = "done"


def main() -> None:
    """Run Snakemake with the arguments of this program."""
    from snakemake import benchmark
    from snakemake.cli import main as run_snakemake
    from snakemake.script import PythonScript

    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.one_process", _WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def run(script: Any, path: str, edit: bool = False) -> None:
        """Let the worker run a script of Snakemake."""
        assert worker.stdin and worker.stdout
        worker.stdin.write(f"{Path(path).absolute()}\t{Path.cwd()}\t{Path(str(script.log)).stem}\n")
        worker.stdin.flush()
        if (said := worker.stdout.readline().strip()) != _DONE:
            raise RuntimeError(f"{path}: {said or 'the worker ended'}")

    PythonScript.execute_script = run
    # Snakemake measures the process that it starts for a job, and here it starts none.
    benchmark.write_benchmark_records = _no_numbers
    try:
        run_snakemake()
    finally:
        # It ends when there is nothing more to read.
        worker.communicate()


def _no_numbers(records: Any, path: str, *more: Any) -> None:
    """Write a benchmark file without numbers."""
    Path(path).write_text("s\n")


def work() -> None:
    """Run the scripts that are named on standard input; answer each by a line."""
    # Imports are no part of the first job that needs them.
    import keras  # noqa: F401
    import matplotlib.figure  # noqa: F401
    import pandas  # noqa: F401

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    paths = list(sys.path)
    for line in sys.stdin:
        path, folder, name = line.rstrip("\n").split("\t")
        os.chdir(folder)
        # Each script puts its folder before the others: a search for a module would take longer from job to job.
        sys.path[:] = paths
        cpu, began = time.process_time(), time.perf_counter()
        try:
            runpy.run_path(path, run_name="__main__")
            said = _DONE
        except BaseException as error:
            said = " ".join(f"{type(error).__name__}: {error}".split())
        if times := os.environ.get(TIMES):
            with Path(times).open("a") as file:
                file.write(f"{name}\t{time.process_time() - cpu}\t{time.perf_counter() - began}\n")
        print(said, file=answers, flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == [_WORKER]:
        work()
    else:
        main()
