"""`make bench`: each line a ratio of two measurements made side by side in this one run.

Seconds depend on the machine and on what else it does; the ratio of two that were taken in turn does not. Name one or
more benchmarks to run only these: `python -m tests.bench occlusion`. `peers` is last, as it takes the longest; what
follows it chooses among its cases: `python -m tests.bench peers --cases digit --inputs 16`.
"""

import subprocess
import sys

from tests.bench import coverage, csv, heartbeats, occlusion, peers, scores, stream

BENCHMARKS = {
    "occlusion": occlusion.main,
    "csv": csv.main,
    "heartbeats": heartbeats.main,
    "scores": scores.main,
    "stream": stream.main,
    "coverage": coverage.main,
    "peers": peers.main,
}

if __name__ == "__main__":
    if sys.argv[1:2] == ["peers"]:
        sys.exit(peers.main(sys.argv[2:]))
    names = sys.argv[1:] or list(BENCHMARKS)
    if unknown := [name for name in names if name not in BENCHMARKS]:
        sys.exit(f"unknown: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    if len(names) == 1:
        BENCHMARKS[names[0]]()
    else:
        # Each in a process of its own: TensorFlow takes its number of threads once, and memory is not given back.
        for name in names:
            subprocess.run([sys.executable, "-m", "tests.bench", name], check=True)
