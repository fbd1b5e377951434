"""How much explanations depend on the seed of the training: the same examples, explained after several trainings."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, plugins, seeds, tables
from pellucid.compare.block_ranks import shared_rows
from pellucid.compare.study import shown
from pellucid.config.studies import TRAINING_SEED, described, without
from pellucid.config.variants import TIME
from pellucid.explain.shared import stored_maps
from pellucid.score.shared import example_groups
from pellucid.score.shared.bootstrap import interval
from pellucid.score.shared.similarity import STRONGEST, overlap, spearman

logger = logging.getLogger(__name__)

METRICS: dict[str, Callable[..., NDArray[np.float64]]] = {
    "rank_correlation": spearman,
    "overlap": partial(overlap, share=STRONGEST),
}
_OWN = {"rank_correlation": "seed_rank_correlation", "overlap": "seed_overlap"}


def run(
    *,
    groups: Sequence[Sequence[str]],
    members: Mapping[str, Mapping[str, Any]],
    methods: Mapping[str, Sequence[str]],
    seed: int,
    attributions: Mapping[tuple[str, str], Path | str],
    own_seed: Mapping[str, Path | str],
    table: Path | str,
    origins: Mapping[str, Path | str] | None = None,
    of: str = "",
) -> None:
    """Compare the explanations of the same examples by different trainings.

    For every pair of trainings and every example that both explain for the same class, compare the absolute
    attributions: by their rank correlation, and by the share of the strongest tenth of the values that both have in
    common. The value of an example is the mean over its pairs.

    Args:
        groups: members that differ in the seed of their training alone, at least two in each group.
        members: the varied values, by member and dotted key.
        methods: names of the methods that each member runs.
        seed: of the bootstrap.
        attributions: `attributions.npz` by member and method.
        own_seed: the table of the score seed_stability of each member that has one.
        table: CSV; gets a row for each group, explanation and metric: the group's values and its name, the method's
            family, the mean over examples, the ends of its 95% interval and its method, the numbers of examples, of
            pairs of explanations and of trainings, and the mean similarity between seeds of the method, if it was
            scored (`score/seed_stability`). Where examples of one group (a patient) are among them it has a column
            `groups` as well, the number of groups, over which intervals are.
        of: which examples these are, where the scores of the study are of others; the table gets a column `of` then.
        origins: `groups.npz` of each member; None where the examples are independent of each other.

    Source: rank correlation and top-k intersection as in Ghorbani A, Abid A, Zou J. Interpretation of Neural Networks
    is Fragile. AAAI (2019), section 2, here between trainings.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for group in groups:
        of_seeds = _own_seed([own_seed[member] for member in group if member in own_seed])
        arrays: list[dict[str, NDArray[Any]]] = []
        # The members of a group have the same data.
        of_test = example_groups.of_test((origins or {}).get(group[0]))
        for method in methods[group[0]]:
            arrays = [files.read_arrays(attributions[member, method]) for member in group]
            rows += _rows(method, arrays, without(members[group[0]], (TRAINING_SEED,)), of_seeds, seed, of_test)
        if arrays:
            _advise(rows[-1], group, arrays)
    content = example_groups.counted_in(pd.DataFrame(rows))
    if of:
        content["of"] = f"{of} examples"
    tables.write(table, content)
    logger.info("%d explanations by %d trainings", content["explanation"].nunique(), sum(map(len, groups)))


def _rows(
    method: str,
    arrays: Sequence[Mapping[str, NDArray[Any]]],
    values: Mapping[str, Any],
    of_seeds: Mapping[tuple[str, str], float],
    seed: int,
    groups: NDArray[np.str_] | None,
) -> list[dict[str, Any]]:
    """Return the rows of one method's explanations by the trainings of a group with these varied values."""
    rows = []
    for label in stored_maps.labels_of(arrays[0]):
        by_metric, pairs, indices = similarities(arrays, label)
        origin = example_groups.members_of(indices, groups)
        for metric, of_examples in by_metric.items():
            ends = interval(of_examples, seeds.generator(seed, "trainings", metric), low=-1, high=1, groups=origin)
            rows.append(
                {
                    **shown(values),
                    "group": described(values),
                    "explanation": label,
                    "family": plugins.spec("explain", method).family,
                    "metric": metric,
                    "mean": ends.mean,
                    "low": ends.low,
                    "high": ends.high,
                    "interval": ends.method,
                    "examples": len(of_examples),
                    "pairs": pairs,
                    "trainings": len(arrays),
                    "own seed": of_seeds.get((label, _OWN[metric]), np.nan),
                    example_groups.COLUMN: ends.groups,
                }
            )
    return rows


def similarities(
    trainings: Sequence[Mapping[str, NDArray[Any]]], label: str
) -> tuple[dict[str, NDArray[np.float64]], int, NDArray[np.int64]]:
    """Return the similarity of each example's explanations after several trainings.

    Args:
        trainings: the arrays of each training's `attributions.npz` of one method.
        label: of the variant.

    Returns:
        By metric, the mean over pairs of trainings for each example that at least one pair has in common (one that is
        explained for several labels counts for each of them); the number of pairs of explanations; which test examples
        these are.
    """
    sums: dict[str, dict[tuple[int, int], list[float]]] = {metric: {} for metric in METRICS}
    pairs = 0
    for one, two in combinations(trainings, 2):
        first, second = shared(one, two)
        pairs += len(first)
        stored = [stored_maps.maps_of(arrays, label) for arrays in (one, two)]
        in_time = stored[0][1] == TIME
        measured = one["measured"][first] if "measured" in one and in_time else None
        maps = [np.abs(values[rows]) for (values, _), rows in zip(stored, (first, second), strict=True)]
        for metric, similarity in METRICS.items() if len(first) else ():
            for key, value in zip(_keys(one, first), similarity(*maps, measured=measured), strict=True):
                sums[metric].setdefault(key, []).append(float(value))
    means = {metric: np.array([np.mean(each[key]) for key in sorted(each)]) for metric, each in sums.items()}
    indices = np.array([example for example, _ in sorted(next(iter(sums.values())))], np.int64)
    return means, pairs, indices


def shared(
    one: Mapping[str, NDArray[Any]], two: Mapping[str, NDArray[Any]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows, in each of two trainings, of the examples that both explain for the same class.

    An example that is explained for several labels has a row for each: the label says which rows belong together.
    """
    first, second = shared_rows([one, two])
    return first, second


def _keys(arrays: Mapping[str, NDArray[Any]], rows: NDArray[np.int64] | slice = slice(None)) -> list[tuple[int, int]]:
    """Return the test example and the target of each row."""
    return list(zip(arrays["indices"][rows].tolist(), arrays["targets"][rows].tolist(), strict=True))


def _own_seed(paths: Sequence[Path | str]) -> dict[tuple[str, str], float]:
    """Return the similarity between seeds of a method as means over the members, by explanation and metric."""
    import pandas as pd

    by_member = [tables.over_all(tables.read(path)) for path in paths]
    if not by_member:
        return {}
    rows = pd.concat(by_member)
    means = rows.groupby(["explanation", "metric"])["mean"].mean()
    return {key: float(value) for key, value in means.items()}


def _advise(row: Mapping[str, Any], group: Sequence[str], trainings: Sequence[Mapping[str, NDArray[Any]]]) -> None:
    """Warn of explanations without a counterpart in another training, and name the setting that avoids them."""
    numbers = [len(set(_keys(arrays))) for arrays in trainings]
    possible = sum(min(pair) for pair in combinations(numbers, 2))
    if row["pairs"] < possible:
        logger.warning(
            "%s: only %d of %d pairs of explanations are of the same example and class; with "
            'examples: {choose: any, target: "true"} all are',
            ", ".join(group),
            row["pairs"],
            possible,
        )
