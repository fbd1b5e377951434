"""Snakemake whose jobs run in its own process, one after another: what benchmarks compare with, and no way to work.

With PELLUCID_BENCH_TIMES each job adds a line to the file of this name: name, CPU seconds, seconds.
"""

from __future__ import annotations

import os
import runpy
import time
from pathlib import Path
from typing import Any

from snakemake import benchmark
from snakemake.cli import main
from snakemake.script import PythonScript

TIMES = "PELLUCID_BENCH_TIMES"


def _run(script: Any, path: str, edit: bool = False) -> None:
    """Run a script of Snakemake here instead of in a new Python."""
    folder, cpu, began = Path.cwd(), time.process_time(), time.perf_counter()
    runpy.run_path(str(Path(path).absolute()), run_name="__main__")
    os.chdir(folder)
    if times := os.environ.get(TIMES):
        name = Path(str(script.log)).stem
        with Path(times).open("a") as file:
            file.write(f"{name}\t{time.process_time() - cpu}\t{time.perf_counter() - began}\n")


class _NoTimer:
    """Stands for what measures the process of a job: it would measure Snakemake itself, and take longer than the job."""

    def __init__(self, *arguments: Any) -> None:
        pass

    def start(self) -> None:
        pass

    cancel = start


def _no_numbers(records: Any, path: str, *more: Any) -> None:
    """Write a benchmark file without numbers."""
    Path(path).write_text("s\n")


if __name__ == "__main__":
    benchmark.BenchmarkTimer = _NoTimer
    benchmark.write_benchmark_records = _no_numbers
    if os.environ.get(TIMES):
        # Imports are no part of the first job that needs them.
        import keras  # noqa: F401
        import matplotlib.figure  # noqa: F401
        import pandas  # noqa: F401
    PythonScript.execute_script = _run
    main()
