"""Find explanations that a control outdoes: an explanation that does not look at the model at all.

A mean rank over several families of scores can hide it: a map that changes with the weights and hardly changes with the
input has good ranks of sanity and robustness, even where removing what it marks does less to the model than removing
the largest values.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

_FAMILY = "faithfulness"


@dataclass(frozen=True)
class Outdone:
    """An explanation and the control that is better on most scores of faithfulness.

    Attributes:
        explanation, control: their labels.
        scores: on how many scores the control is better.
        of: how many scores both have.
    """

    explanation: str
    control: str
    scores: int
    of: int


def outdone(
    leaderboard: pd.DataFrame, metrics: pd.DataFrame, explanations: Iterable[str], controls: Iterable[str]
) -> list[Outdone]:
    """Return the explanations that a control outdoes on more than half of the scores of faithfulness.

    Args:
        leaderboard: `leaderboard.csv`, indexed by explanation.
        metrics: the lines of `metrics.csv` that judge.
        explanations: labels of those to compare.
        controls: labels of the controls; of several that outdo an explanation, the one that does so most often counts.
    """
    faithful = metrics[metrics["family"] == _FAMILY]
    signs = np.where(faithful["better"] == "lower", -1.0, 1.0)
    values = leaderboard[[f"{metric} mean" for metric in faithful["metric"]]].to_numpy(np.float64) * signs
    by_label = dict(zip(map(str, leaderboard.index), values, strict=True))
    found = []
    for explanation in explanations:
        own = by_label[explanation]
        rivals = [
            Outdone(explanation, control, int((rival > own).sum()), int((np.isfinite(rival) & np.isfinite(own)).sum()))
            for control in controls
            for rival in [by_label[control]]
        ]
        strongest = max(rivals, key=lambda rival: rival.scores, default=None)
        if strongest and 2 * strongest.scores > strongest.of:
            found.append(strongest)
    return found
