"""Every method on 1,000 samples of 12 leads through xresnet1d101, against captum on the same weights and bare passes."""

from __future__ import annotations

from tests.bench import peers

INPUTS = 4


def main() -> None:
    """Run the comparison of `peers` on four recordings."""
    peers.main(["--cases", "ecg", "--inputs", str(INPUTS), "--no-memory"])
