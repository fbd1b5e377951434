"""Choose the parameters of methods by a score on one half of the examples, and compare with the defaults on the other.

If the best of many variants is chosen by its mean, this mean is too good by chance. So it counts only on examples by
which it was not chosen: each half chooses for the other half, and the differences of both halves are joined.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, plugins, seeds, tables
from pellucid.errors import InputError
from pellucid.messages import comma_list
from pellucid.ranks import tied_ranks
from pellucid.score.shared import example_groups
from pellucid.score.shared.bootstrap import EQUAL, FEW_GROUPS, FEWEST, Interval, interval

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

BETTER, WORSE, SAME, UNKNOWN = "better", "worse", "no difference shown", "too few examples"
UNKNOWN_GROUPS = "too few groups"
# Fewer equal gains have an interval without width, but show nothing: five of one sign come by chance in one of 16 cases
# (two-sided sign test), six in one of 32.
FEWEST_EQUAL = 6


def run(
    *,
    compared: Mapping[str, Any],
    values: Path | str,
    examples: Path | str,
    groups: Path | str,
    seed: int,
    table: Path | str,
) -> None:
    """Compare the chosen variant of each method with a sweep with its defaults.

    Args:
        compared: from `config.tune_files.compared`.
        values: `scores.npz` of the score.
        examples: `examples.npz` of the scored examples.
        groups: `groups.npz`: examples of one group (a patient, a recording) stay in one half, and so does an example
            that is explained for several labels.
        seed: of the experiment.
        table: CSV; gets a row for each variant, see `tuned`.
    """
    arrays, shown = files.read_arrays(values), files.read_arrays(examples)
    members = example_groups.members_of(shown["indices"], example_groups.of_test(groups))
    halves = in_halves(shown["labels"], members, seeds.generator(seed, "tune"))
    tables.write(table, tuned(compared, arrays, halves, members, seed))


def tuned(
    compared: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    halves: NDArray[np.bool_],
    members: NDArray[Any] | None,
    seed: int,
) -> pd.DataFrame:
    """Return a row for each variant of each method with a sweep.

    Columns: method, explanation (the variant), metric, better (higher or lower), examples (for which all variants of
    the method have a value), mean (over them), is default, `chosen by`: how many of the two halves chose it, is chosen
    (best mean over all of these examples). And, the same for all variants of a method: `gain`, the mean difference
    between chosen and default on the half that did not choose, positive where the chosen one is better; its 95%
    interval `low`, `high` and `interval`; `verdict`; and where examples of one group are among them `groups`, the
    number of groups, over which the interval is.

    Args:
        compared: from `config.tune_files.compared`.
        arrays: the content of `scores.npz`.
        halves: (N,), from `in_halves`.
        members: (N,) the group of each example; None without groups.
        seed: of the experiment.
    """
    import pandas as pd

    better = plugins.spec("score", compared["score"]).metric(compared["metric"]).better
    sign = -1.0 if better == "lower" else 1.0
    rows: list[dict[str, Any]] = []
    for method, entry in compared["methods"].items():
        labels, default = entry["variants"], entry["variants"].index(entry["default"])
        values = np.stack([_values(arrays, label, compared["metric"]) for label in labels])
        known = np.asarray(np.isfinite(values).all(0), np.bool_)
        chosen, places, gain = _gains(sign * values, known, halves, default)
        of_gain = None if members is None else members[places]
        found = interval(gain, seeds.generator(seed, "tune", method), groups=of_gain)
        of_all = best(sign * values[:, known], default)
        verdict = _verdict(found, None if members is None else members[known])
        logger.info("%s: %s, against %s: %s", method, labels[of_all], labels[default], verdict)
        for place, label in enumerate(labels):
            rows.append(
                {
                    "method": method,
                    "explanation": label,
                    "metric": compared["metric"],
                    "better": better,
                    "examples": int(known.sum()),
                    "mean": float(values[place, known].mean()) if known.any() else np.nan,
                    "is default": place == default,
                    "chosen by": chosen.count(place),
                    "is chosen": place == of_all,
                    "gain": found.mean,
                    "low": found.low,
                    "high": found.high,
                    "interval": found.method,
                    "verdict": verdict,
                    example_groups.COLUMN: found.groups,
                }
            )
    return example_groups.counted_in(pd.DataFrame(rows))


def _gains(
    values: NDArray[np.float64], known: NDArray[np.bool_], halves: NDArray[np.bool_], default: int
) -> tuple[list[int], NDArray[np.int64], NDArray[np.float64]]:
    """Return what the halves choose, and the gain of each example of the other half over the default.

    A half without any value chooses nothing, and the other half has nothing to judge.

    Args:
        values: (variants, N), higher is better.
        known: (N,), which examples have a value of every variant.
        halves: (N,), from `in_halves`.
        default: the variant to compare with.

    Returns:
        The chosen variants, one at most of each half; which examples are judged, and their gains.
    """
    usable = [known & half for half in (halves, ~halves)]
    chosen, places, gains = list[int](), [np.zeros(0, np.int64)], [np.zeros(0)]
    for half, other in zip(usable, usable[::-1], strict=True):
        if half.any():
            chosen.append(best(values[:, half], default))
            places.append(np.flatnonzero(other))
            gains.append(values[chosen[-1], other] - values[default, other])
    return chosen, np.concatenate(places), np.concatenate(gains)


def in_halves(labels: NDArray[np.int64], members: NDArray[Any] | None, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which examples (N,) are in the first half: half of each class, or whole groups.

    Args:
        labels: (N,) the class for which each example stands.
        members: (N,) the group of each example; None without groups.
        rng: draws the halves.
    """
    first = np.zeros(len(labels), np.bool_)
    if members is None:
        turn = 0  # classes of odd size take turns, so that the halves are equally large
        for label in np.unique(labels):
            of_class = rng.permutation(np.flatnonzero(labels == label))
            first[of_class[turn::2]] = True
            turn = (turn + len(of_class)) % 2
        return first
    # Large groups first, each into the half with fewer examples of the classes that the group has.
    names, inverse, sizes = np.unique(members, return_inverse=True, return_counts=True)
    counts = np.stack([np.bincount(inverse[labels == label], minlength=len(names)) for label in np.unique(labels)], 1)
    balance = np.zeros(counts.shape[1])
    order = rng.permutation(len(names))
    for group in order[np.argsort(-sizes[order], kind="stable")]:
        joins = float(balance @ counts[group]) <= 0
        balance += counts[group] if joins else -counts[group]
        first[inverse == group] = joins
    return first


def best(values: NDArray[np.float64], default: int) -> int:
    """Return the variant with the largest mean of values (variants, N); the default, if it is as good, or for N = 0."""
    if not values.shape[1]:
        return default
    ranks = tied_ranks(values.mean(1), lower=False)
    return default if ranks[default] == ranks.min() else int(ranks.argmin())


def _values(arrays: Mapping[str, NDArray[Any]], label: str, metric: str) -> NDArray[np.float64]:
    """Return the values (N,) of a metric; of one with variants (kinds of fills, say), the mean over them.

    A single kind of fill would favour the explanations that are computed with the same one as baseline.
    """
    names = [f"{label}/{metric}"] if f"{label}/{metric}" in arrays else []
    # Curves, which have a part of their name more, may be called as a metric is.
    names = names or [key for key in arrays if key.startswith(f"{label}/{metric}.") and key.count("/") == 1]
    if not names:
        known = [key.removeprefix(f"{label}/") for key in arrays if key.startswith(f"{label}/") and key.count("/") == 1]
        raise InputError.unexpected("tune.metric", f"{metric}, which {label} has no values of", comma_list(known))
    return np.asarray(np.mean([arrays[name] for name in names], axis=0), np.float64)


def _verdict(gain: Interval, members: NDArray[Any] | None) -> str:
    # All examples of one group are in one half, so that there is no gain to be judged.
    if gain.method == FEW_GROUPS or (members is not None and len(members) >= FEWEST and len(np.unique(members)) == 1):
        return UNKNOWN_GROUPS
    if gain.examples < FEWEST:
        return UNKNOWN
    if gain.method == EQUAL and gain.mean and (gain.groups or gain.examples) < FEWEST_EQUAL:
        return UNKNOWN if gain.groups is None else UNKNOWN_GROUPS
    return BETTER if gain.low > 0 else WORSE if gain.high < 0 else SAME
