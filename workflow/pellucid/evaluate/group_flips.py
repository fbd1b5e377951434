"""What a model that knows nothing reaches by chance, if the test examples come from groups (recordings, patients).

Shuffled labels would make such a model look too good: examples of one group often have the same label and get the same
prediction, so a few groups decide the result by luck. Here each statistic is a sum over examples that is 0 on average
for a model that knows nothing; its sums over the groups keep their sizes and get random signs.

Source: Cameron AC, Gelbach JB, Miller DL. Bootstrap-based improvements for inference with clustered errors. Rev Econ
Stat 90 (2008), section III.C (the wild cluster bootstrap with the null hypothesis imposed and signs of ± 1).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid import seeds

FLIPS = 1000
# All signs alike have a probability of 2 to the power of -groups: with fewer groups none is as rare as 2.5%.
FEWEST = 6


def enough(groups: NDArray[np.int64] | None) -> bool:
    """Return whether there are groups (N,), numbered from 0, and enough of them for this test."""
    return groups is not None and int(groups.max()) + 1 >= FEWEST


def flipped(added: NDArray[np.float64], groups: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return a statistic with random signs of its groups; the first row is the measured one.

    Args:
        added: (N, K), what each example adds to each of K statistics.
        groups: (N,), the number of each example's group, from 0.

    Returns:
        (1 + FLIPS, K).
    """
    sums = np.zeros((int(groups.max()) + 1, added.shape[1]))
    np.add.at(sums, groups, added)
    signs = seeds.generator(0, "evaluate", "group flips").choice(np.array([-1.0, 1.0]), (FLIPS, len(sums)))
    return np.asarray(np.concatenate([sums.sum(0, keepdims=True), signs @ sums]), np.float64)


def counted(groups: NDArray[np.int64] | None) -> dict[str, int]:
    """Return the number of groups (N,), numbered from 0, by its name in JSON files; {} without groups."""
    return {} if groups is None else {"test_groups": int(groups.max()) + 1}


def luck(number: int, what: str) -> str:
    """Return the source of the limit of chance, as the beginning of a sentence: "chance gives", "shuffled labels give".

    Args:
        number: of groups; 0 without groups.
        what: what is shuffled if there are no groups.
    """
    return "chance gives" if number >= FEWEST else f"shuffled {what} give"
