"""Reading a heartbeat CSV of full size, against `pd.read_csv(...).to_numpy()`: time and peak memory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.bench.page import LEFT_OUT
from tests.bench.timing import row

ROWS = 87_554
PEER = "import pandas as pd; x = pd.read_csv({path!r}, header=None).to_numpy()"
OURS = (
    "from pathlib import Path; from pellucid.datasets.readers.labelled_rows import read_labelled_rows; "
    "x, y = read_labelled_rows(Path({path!r}), columns=188, classes=5)"
)
IN_BLOCKS = (
    "from pathlib import Path; from pellucid.datasets.readers.labelled_rows import read_labelled_rows; "
    "from pellucid.datasets.readers.spill_buffer import SpillBuffer; "
    "x, y = read_labelled_rows(Path({path!r}), columns=188, classes=5, scratch=SpillBuffer(Path({path!r}).parent, 16))"
)
MAPPED = "import numpy as np; x = np.load({path!r}, mmap_mode='r')"
# A process inherits the peak of the one that started it, except in the kernel's own count of its address space.
AROUND = """
import re, time
import pandas
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
before = peak()
started = time.perf_counter()
{work}
print(time.perf_counter() - started, peak() - before)
"""


def main() -> None:
    """Each reading in a process of its own, five times in turn; memory is what is added to that of the imports."""
    if not Path("/proc/self/status").exists():
        print("Heartbeat CSV: left out, peak memory is read from /proc, which only Linux has")
        sys.exit(LEFT_OUT)
    with tempfile.TemporaryDirectory() as folder:
        path, mapped = Path(folder) / "beats.csv", Path(folder) / "x.npy"
        write(path)
        np.save(mapped, np.zeros((ROWS, 187), np.float32))
        works = {
            "pd.read_csv(...).to_numpy()": PEER,
            "Pellucid": OURS,
            "Pellucid with 16 MB of memory": IN_BLOCKS,
            "later stages: the array mapped": MAPPED,
        }
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
        for _ in range(5):
            for name, work in works.items():
                taken[name].append(measure(work.format(path=str(mapped if work is MAPPED else path))))
        size = path.stat().st_size
    print(f"Heartbeat CSV, {ROWS:,} rows, {size / 1e6:.0f} MB")
    row("", "seconds", "MB added", "ratio s", "ratio MB")
    peer = tuple(min(column) for column in zip(*taken["pd.read_csv(...).to_numpy()"], strict=True))
    for name, values in taken.items():
        time_, memory = (min(column) for column in zip(*values, strict=True))
        row(name, time_, memory, f"{time_ / peer[0]:.2f}", f"{memory / peer[1]:.2f}")
    print()


def write(path: Path) -> None:
    """A file with the layout and the number of digits of the published one."""
    rng = np.random.default_rng(0)
    with path.open("w") as file:
        for start in range(0, ROWS, 4096):
            n = min(4096, ROWS - start)
            rows = np.column_stack([rng.random((n, 187)), rng.integers(0, 5, n)])
            np.savetxt(file, rows, fmt="%.18e", delimiter=",")


def measure(work: str) -> tuple[float, float]:
    """Seconds, and MB of peak memory beyond the imports."""
    command = [sys.executable, "-c", AROUND.format(work=work)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, kilobytes = done.stdout.split()
    return float(seconds), int(kilobytes) / 1024
