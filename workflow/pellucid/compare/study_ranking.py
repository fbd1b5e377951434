"""Which ranks of the methods hold for other trainings of the same network, not only for one trained model."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, plugins, tables
from pellucid.compare.block_ranks import block_ranks, judged_values, shared_rows
from pellucid.compare.crossed_means import crossed_means
from pellucid.compare.study import shown
from pellucid.compare.told_apart import TEST, TEST_OVER_GROUPS, Comparison, compare, untested
from pellucid.config.studies import TRAINING_SEED, described, without
from pellucid.config.variants import method_of
from pellucid.ranks import in_order
from pellucid.score.shared import example_groups
from pellucid.score.shared.bootstrap import FEWEST_GROUPS

logger = logging.getLogger(__name__)

LEVEL = 0.95
FEWEST = 2  # examples that all trainings explain
COLUMNS = ("explanation", "family", "mean rank", "low", "high", "lowest rank", "highest rank", "trainings", "examples")
PAIR_COLUMNS = ("explanation", "other", "difference", "p", "told apart")


def run(
    *,
    groups: Sequence[Sequence[str]],
    members: Mapping[str, Mapping[str, Any]],
    scores: Mapping[str, Mapping[str, tuple[Path | str, Path | str]]],
    examples: Mapping[str, Path | str],
    table: Path | str,
    differences: Path | str,
    findings: Path | str,
    origins: Mapping[str, Path | str] | None = None,
) -> None:
    """Rank the methods over the trainings and the examples of each group, and test which differences hold.

    Args:
        groups: members that differ in the seed of their training alone, at least two in each group.
        members: the varied values, by member and dotted key.
        scores: `scores.csv` and `scores.npz` of each judging score, by member and score.
        examples: `examples.npz` of the scored examples of each member.
        table: CSV; gets a row for each group and explanation: the group's values and its name, the method's family,
            the mean rank with the ends of its 95% interval, the lowest and highest rank that it may have (all together
            at 95%), and the numbers of trainings and examples. Where examples of one group (a patient) are among them
            it has a column `groups` as well, the number of groups, over which intervals and tests are.
        differences: CSV; gets a row for each group and pair of explanations, the better one first: the difference of
            the mean ranks, the corrected p-value, and whether the two are told apart.
        findings: JSON; gets for each group the test, the numbers of trainings, examples, pairs and pairs that are told
            apart, the mean of Kendall's τ between two trainings, the explanations that are joined since they are not
            told apart, and a sentence.
        origins: `groups.npz` of each member; None where the examples are independent of each other.
    """
    import pandas as pd

    rows, pairs, said = list[dict[str, Any]](), list[dict[str, Any]](), list[dict[str, Any]]()
    for group in groups:
        values = without(members[group[0]], (TRAINING_SEED,))
        common: dict[str, Any] = {**shown(values), "group": described(values)}
        explained = [_explained(examples[member]) for member in group]
        chosen = shared_rows(explained)
        labels, ranks, kept = block_ranks([judged_values(scores[member]) for member in group], chosen)
        # The members of a group have the same data.
        of_test = example_groups.of_test((origins or {}).get(group[0]))
        indices = explained[0]["indices"][chosen[0]][kept]
        codes = example_groups.codes_of(example_groups.members_of(indices, of_test))
        of_rows, of_pairs, finding = ranked(labels, ranks, codes)
        rows += [{**common, **row} for row in of_rows]
        pairs += [{**common, **pair} for pair in of_pairs]
        said.append({"group": common["group"], **finding})
        logger.info("%s", f"{common['group']}: {finding['sentence']}" if common["group"] else finding["sentence"])
    keys = [*shown(without(members[groups[0][0]], (TRAINING_SEED,))), "group"]
    content = pd.DataFrame(rows, columns=[*keys, *COLUMNS, example_groups.COLUMN])
    tables.write(table, example_groups.counted_in(content))
    tables.write(differences, pd.DataFrame(pairs, columns=[*keys, *PAIR_COLUMNS]))
    files.write_json(findings, said)


def ranked(
    labels: Sequence[str], ranks: NDArray[np.float64], groups: NDArray[np.int64] | None = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, Any]]:
    """Return the rows of both tables, and the findings, of ranks (trainings, examples, explanations).

    With fewer than `FEWEST_GROUPS` groups there are neither intervals nor tests, and any rank is possible.

    Args:
        labels: of the explanations.
        ranks: as `block_ranks` returns them.
        groups: (examples,), from 0, the number of each example's group; None if examples are independent.
    """
    trainings, examples = ranks.shape[:2]
    number = 0 if groups is None else int(groups.max()) + 1
    counts = {"trainings": trainings, "examples": examples, **({example_groups.COLUMN: number} if number else {})}
    if examples < FEWEST or len(labels) < 2:
        return [], [], {**counts, "sentence": _too_few(examples)}
    is_tested = groups is None or number >= FEWEST_GROUPS
    if is_tested:
        means, comparison = crossed_means(ranks, groups), compare(ranks, groups)
        half = means.half_width(LEVEL)
    else:
        means = crossed_means(ranks)
        comparison = untested(means.mean)
        half = np.full(len(labels), np.nan)
    order = in_order(means.mean, list(labels))
    lowest, highest = comparison.rank_limits()
    rows = [
        {
            "explanation": labels[place],
            "family": plugins.spec("explain", method_of(labels[place])).family,
            "mean rank": means.mean[place],
            "low": np.clip(means.mean[place] - half[place], 1, len(labels)),
            "high": np.clip(means.mean[place] + half[place], 1, len(labels)),
            "lowest rank": lowest[place],
            "highest rank": highest[place],
            **counts,
        }
        for place in order
    ]
    pairs = [
        {
            "explanation": labels[first],
            "other": labels[second],
            "difference": comparison.difference[second, first],
            "p": comparison.p[first, second] if is_tested else np.nan,
            "told apart": bool(comparison.apart[first, second]),
        }
        for first, second in combinations(order, 2)
    ]
    finding = {
        **counts,
        **({"test": TEST if groups is None else TEST_OVER_GROUPS} if is_tested else {}),
        "pairs": len(pairs),
        "told_apart": sum(pair["told apart"] for pair in pairs),
        "kendall_tau": agreement(ranks.mean(1)),
        "joined": [[labels[place] for place in group] for group in comparison.groups(order)],
        "sentence": sentence([labels[place] for place in order], _ordered(comparison, order))
        if is_tested
        else f"No difference is tested, and no mean rank has an interval: {example_groups.too_few(number)}.",
    }
    return rows, pairs, finding


def agreement(of_trainings: NDArray[np.float64]) -> float:
    """Return the mean of Kendall's τ between the orders (trainings, explanations) of two trainings."""
    from scipy.stats import kendalltau

    return float(np.mean([kendalltau(one, two).statistic for one, two in combinations(of_trainings, 2)]))


def sentence(labels: Sequence[str], comparison: Comparison) -> str:
    """Return which differences hold, in words; explanations and pairs are in the order of their mean ranks."""
    count, pairs = int(np.triu(comparison.apart, 1).sum()), len(labels) * (len(labels) - 1) // 2
    if not count:
        return f"None of the {pairs} differences holds: any order of the methods may be luck of the training."
    lowest, _ = comparison.rank_limits()
    best = np.flatnonzero(lowest == 1)
    behind = [label for place, label in enumerate(labels) if comparison.apart[best, place].all()]
    names = [labels[place] for place in best]
    first = f"{names[0]} is the best" if len(names) == 1 else f"the best may be {_listed(names, 'or')}"
    each = "it is" if len(names) == 1 else "each of them is"
    rest = f"; {each} better than {_listed(behind, 'and')}" if behind and len(names) < len(labels) else ""
    return f"{count} of {pairs} differences hold: {first}{rest}."


def _ordered(comparison: Comparison, order: NDArray[np.int64]) -> Comparison:
    square = np.ix_(order, order)
    return Comparison(comparison.difference[square], comparison.p[square])


def _listed(names: Sequence[str], word: str) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {word} {names[-1]}"


def _too_few(examples: int) -> str:
    return (
        f"The methods are not ranked: all trainings explain {examples} scored examples for the same class, and at "
        f'least {FEWEST} are needed. With examples: {{choose: any, target: "true"}} all examples are the same.'
    )


def _explained(path: Path | str) -> dict[str, NDArray[np.int64]]:
    arrays = files.read_arrays(path)
    return {key: arrays[key] for key in ("indices", "targets")}
