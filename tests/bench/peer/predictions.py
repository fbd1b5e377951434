"""One Keras prediction for each position of the window, as SignalScreen (Foxpace, 2021) occludes."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from tests.bench.cases import Case

NAME = "one predict per position"
SIZELESS = True
METHODS = ("occlusion",)
# The calls take equally long: so many of them stand for the others.
_TAKEN = 10


def work(case: Case, method: str, size: int) -> Callable[[int], object]:
    """See the package; the returned function has an attribute `share`, the part of the positions that it takes."""
    axes = case.inputs.shape[1:-1]
    starts = list(itertools.product(*(range(length - case.window + 1) for length in axes)))
    chosen = starts[:: max(1, len(starts) // _TAKEN)]

    def run(number: int) -> None:
        for index, start in itertools.product(range(number), chosen):
            covered = case.inputs[index : index + 1].copy()
            covered[(slice(None), *(slice(first, first + case.window) for first in start))] = 0
            case.model.predict(covered, verbose=0)

    run.share = len(chosen) / len(starts)  # type: ignore[attr-defined]
    return run
