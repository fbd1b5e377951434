"""Whether the strongest attributions lie in the planted evidence: pointing game, relevance mass, relevance rank."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.ranks import levels
from pellucid.score.base import Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared.strength import strength_and_truth

SPEC = ScoreSpec(
    title="Localisation of the planted evidence",
    family="truth",
    about="Pointing game: whether the strongest value lies in the planted evidence. Relevance mass: the share of all "
    "strength that lies in the evidence. Relevance rank: K is the number of values that carry evidence; of the K "
    "strongest values, the share that carry evidence. Strength is the absolute attribution. Ties count as if drawn at "
    "random. An explanation that equals the evidence scores 1; chance is the share of values that carry evidence. The "
    "evidence is that of the example's own class, even if another class or a contrast is explained. With several "
    "labels or values, it is the evidence of the explained label or value; for a contrast, of both.",
    paper="Zhang J et al. Top-Down Neural Attention by Excitation Backprop. IJCV 126 (2018), section 4.1; Arras L, "
    "Osman A, Samek W. CLEVR-XAI. Information Fusion 81 (2022), equations 1 and 2",
    metrics={
        "relevance_rank": Metric("Relevance rank accuracy", "higher", 0, 1),
        "relevance_mass": Metric("Relevance mass accuracy", "higher", 0, 1),
        "pointing_game": Metric("Pointing game", "higher", 0, 1, proportion=True),
    },
    requires=("truth",),
)


def score(explanation: Explanation, case: ScoreContext, rng: np.random.Generator) -> ScoreResult:
    """Return all three metrics of each example; NaN for an example without evidence."""
    values = {}
    for suffix, size, truth in strength_and_truth(explanation, case):
        number = truth.sum(1)
        values[f"relevance_rank{suffix}"] = share_of_strongest(size, truth, number)
        values[f"relevance_mass{suffix}"] = mass(size, truth)
        values[f"pointing_game{suffix}"] = np.where(
            number, share_of_strongest(size, truth, np.ones_like(number)), np.nan
        )
    return ScoreResult(values)


def share_of_strongest(
    size: NDArray[np.float64], truth: NDArray[np.bool_], number: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the share of the `number` strongest values of each row that are in the truth, in expectation over ties.

    Args:
        size, truth: (N, values); strengths that differ by less than their precision are tied.
        number: (N,); for 0 the share is NaN.
    """
    shares = np.full(len(size), np.nan)
    for row, (strengths, inside, k) in enumerate(zip(levels(size), truth, number, strict=True)):
        if k == 0:
            continue
        edge = np.partition(strengths, -k)[-k]
        above, tied = strengths > edge, strengths == edge
        # Values tied at the edge share the remaining places.
        left = (k - above.sum()) / tied.sum()
        shares[row] = (inside[above].sum() + left * inside[tied].sum()) / k
    return shares


def mass(size: NDArray[np.float64], truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the share of each row's strength that is in the truth: (N, values) twice to (N,)."""
    whole = size.sum(1)
    share = (size * truth).sum(1) / np.where(whole > 0, whole, 1)
    # A map of zeros gets the share of chance.
    share = np.where(whole > 0, share, truth.mean(1))
    return np.where(truth.any(1), share, np.nan)
