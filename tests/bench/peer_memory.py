"""Peak memory of each method for 256 inputs of 300 × 9, against the budget that it was given."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pellucid.network import runtime
from tests.bench.cases import METHODS, Case
from tests.bench.layers import function_of
from tests.bench.timing import row

_BUDGET = 1024
_STATUS = Path("/proc/self/status")


def main(methods: Sequence[str] = METHODS) -> None:
    """Each method in a process of its own; memory is what is added to that of the loaded network after one pass."""
    if not _STATUS.exists():
        print("Memory: left out, the peak is read from /proc, which only Linux has")
        return
    print(f"\nPeak memory, 256 inputs 300 × 9 on multivariate_cnn, budget of {_BUDGET} MB")
    row("", "loaded MB", "added MB", "of budget")
    for method in methods:
        command = [sys.executable, "-m", "tests.bench.peer_memory", method]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            row(method, "fails:", (done.stderr.strip().splitlines() or ["?"])[-1][:80])
            continue
        before, added = (float(text) for text in done.stdout.split())
        row(method, before, added, f"{added / _BUDGET:.2f}")


def measure(method: str) -> tuple[float, float]:
    """MB of the process before, and what the explanation adds at its peak."""
    runtime.start(2)
    from pellucid.network.explained_model import ExplainedModel

    case = Case("multivariate", 256)
    model = ExplainedModel(case.model, memory_mb=_BUDGET)
    explain = function_of(method)
    model.logits(case.inputs[:1])
    targets, parameters = case.targets, case.parameters(method)
    before = _peak()
    explain(model, case.inputs, targets, np.random.default_rng(0), **parameters)
    return before, _peak() - before


def _peak() -> float:
    # What getrusage says begins with the peak of the process that started this one; the kernel's own count does not.
    found = re.search(r"VmHWM:\s+(\d+)", _STATUS.read_text())
    assert found
    return int(found[1]) / 1024


if __name__ == "__main__":
    print(*measure(sys.argv[1]))
