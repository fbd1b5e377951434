"""Which explanations to look at first, by the leaderboard and the checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pellucid import tables
from pellucid.compare.failed_checks import failed_checks, flat_examples
from pellucid.compare.leaderboard import JUDGING
from pellucid.page.control_comparison import Outdone, outdone
from pellucid.ranks import equal_neighbours
from pellucid.score.shared.example_groups import COLUMN

_LOOKED_AT = 3


@dataclass(frozen=True)
class Ranking:
    """What the leaderboard and the checks say about the explanations.

    Attributes:
        first: the explanations to look at: the three with the best mean rank of those that passed their checks and are
            no controls, and all others whose mean rank equals that of the third.
        mean_ranks: of all explanations that have one, the best first.
        tied: those of `first` that share their mean rank with another explanation that passed its checks and is no
            control.
        failed: for each explanation that failed a check: names and comparisons, such as ("sanity", "0.83 > 0.5").
        controls: the controls.
        better_controls: the controls whose mean rank is better than that of an explanation in `first`.
        outdone: the explanations in `first` that a control beats on most scores of faithfulness.
        families: the families of scores behind the mean rank.
        examples: the largest number of examples behind a rank.
        flat: for each explanation with maps that are the same everywhere, the numbers of their test examples.
        groups: the largest number of groups of examples (recordings, patients) that intervals are over; 0 where
            examples are taken as independent.
    """

    first: Sequence[str]
    mean_ranks: Mapping[str, float]
    tied: frozenset[str]
    failed: Mapping[str, Sequence[tuple[str, str]]]
    controls: Sequence[str]
    better_controls: Sequence[str]
    outdone: Sequence[Outdone]
    families: Sequence[str]
    examples: int
    flat: Mapping[str, str]
    groups: int = 0


def ranking(leaderboard: Path | str, metrics: Path | str, checks: Path | str) -> Ranking:
    """Return what the tables say; they are those of `compare.leaderboard.run` and `compare.checks`."""
    content, metric_facts = tables.read(leaderboard, index="explanation"), tables.read(metrics)
    failed = {
        label: [(check.name, check.comparison) for check in of_label]
        for label, of_label in failed_checks(checks).items()
        if of_label
    }
    known = content["mean rank"].notna()
    ranks = {str(label): float(rank) for label, rank in content.loc[known, "mean rank"].items()}
    controls = [str(label) for label in content.index[content["family"] == "control"]]
    rivals = [label for label in ranks if label not in failed and label not in controls]
    groups = equal_neighbours(np.array([ranks[label] for label in rivals], np.float64))
    limit = np.sort(groups)[min(_LOOKED_AT, len(groups)) - 1] if rivals else -1
    first = [label for label, group in zip(rivals, groups, strict=True) if group <= limit]
    tied = {label for label, group in zip(rivals, groups, strict=True) if (groups == group).sum() > 1}
    worst = max((ranks[label] for label in first), default=-np.inf)
    is_judging = metric_facts["family"].isin(JUDGING) & metric_facts["first"] & (metric_facts["better"] != "neither")
    # A score of maps in one domain ranks none of those in another, whose mean rank it then has no part in.
    is_behind = [
        bool(content.loc[known, f"{metric} rank"].notna().any()) for metric in metric_facts[is_judging]["metric"]
    ]
    judging = metric_facts[is_judging][is_behind] if ranks else metric_facts[is_judging]
    return Ranking(
        first=first,
        mean_ranks=ranks,
        tied=frozenset(tied & set(first)),
        failed=failed,
        controls=controls,
        better_controls=[label for label in controls if ranks.get(label, np.inf) < worst],
        outdone=outdone(content, judging, first, controls),
        families=[family for family in JUDGING if family in set(judging["family"])],
        examples=int(judging["examples"].max()) if len(judging) else 0,
        groups=int(judging[COLUMN].fillna(0).max()) if COLUMN in judging and len(judging) else 0,
        flat=flat_examples(checks),
    )
