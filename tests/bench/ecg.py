"""Every method on 1,000 samples of 12 leads through xresnet1d101, against captum on the same weights and bare passes.

All compute with one thread: where a machine has other work, the threads of PyTorch wait for each other by spinning, and
two of them took 4 to 20 times as long as one (measured), which says nothing about captum.
"""

from __future__ import annotations

from tests.bench import peers

INPUTS = 4


def main() -> None:
    """Run the comparison of `peers` on four recordings."""
    peers.main(["--cases", "ecg", "--inputs", str(INPUTS), "--no-memory", "--peers", "captum", "--threads", "1"])
