"""Whether a model's predictions are better than those of a model that knows nothing of the classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import seeds
from pellucid.evaluate.group_flips import counted, enough, flipped, luck
from pellucid.evaluate.resampling import or_none
from pellucid.score.shared.bootstrap import interval
from pellucid.user_text import in_figure

SHUFFLES = 1000
# Of the values that shuffled labels give: the share that lies below the limit.
_BELOW = 0.975


def compare(
    y: NDArray[np.int64],
    predicted: NDArray[np.int64],
    classes: Sequence[str],
    groups: NDArray[np.int64] | None = None,
) -> dict[str, Any]:
    """Compare predictions with those of a model that knows nothing: its predictions do not depend on the true class.

    A model is better than chance if one of two statements holds. A model that knows nothing fulfils neither, up to an
    error of 2.5% for each (`docs/statistics.md` has the measured rates):

    - its accuracy's 95% interval (Clopper and Pearson) lies above the share of the most frequent class in the test set;
    - its balanced accuracy is above 97.5% of the values that the same predictions have with shuffled labels.

    The second statement is for classes of unequal size: a model that finds most examples of a rare class may know much,
    and still have a lower accuracy than a model that always predicts the frequent class.

    Where examples of one group are in the test set, both are over groups: the interval is `bootstrap.over_groups`, and
    the groups' parts of the balanced accuracy get random signs (`group_flips`). With fewer than six groups, labels are
    shuffled between examples. This may make the model look better than it is; the page says so.

    Args:
        y: (N,) labels.
        predicted: (N,) predicted classes.
        classes: their names.
        groups: (N,), from 0, the number of each example's group; None if examples are independent.

    Returns:
        The numbers, `test_groups` among them where there are groups; `at_chance`, which is None where all examples have
        one class; and for a model at chance `sentence` for logs and `headline` for figures, otherwise "".
    """
    counts = np.bincount(y, minlength=len(classes))
    recalled = np.bincount(y[predicted == y], minlength=len(classes))
    present = counts > 0
    accuracy = interval((predicted == y).astype(np.float64), np.random.default_rng(0), proportion=True, groups=groups)
    share = float(counts.max() / len(y))
    fact: dict[str, Any] = {
        "at_chance": None,
        "accuracy": accuracy.mean,
        "accuracy_low": accuracy.low if groups is None else or_none(accuracy.low),
        "accuracy_high": accuracy.high if groups is None else or_none(accuracy.high),
        "most_frequent_class": classes[int(counts.argmax())],
        "most_frequent_share": share,
        "balanced_accuracy": float((recalled[present] / counts[present]).mean()),
        "balanced_accuracy_of_shuffled_labels": None,
        "test_examples": len(y),
        **counted(groups),
        "sentence": "",
        "headline": "",
    }
    if present.sum() > 1:
        limit = _shuffled(y, predicted) if groups is None or not enough(groups) else _flipped(y, predicted, groups)
        better = accuracy.low > share or fact["balanced_accuracy"] > limit
        fact |= {"at_chance": not better, "balanced_accuracy_of_shuffled_labels": limit}
        if not better:
            above = accuracy.mean > share and fact["balanced_accuracy"] > 1 / present.sum()
            fact |= {"sentence": _sentence(fact, above), "headline": _headline(fact, above)}
    return fact


def _shuffled(y: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """Return the balanced accuracy that 97.5% of the shuffles of the labels do not exceed."""
    rng = seeds.generator(0, "evaluate", "chance")
    counts = np.bincount(y)
    weights = 1 / (np.maximum(counts, 1) * (counts > 0).sum())
    weighted, shuffled, values = weights[y], np.arange(len(y)), np.empty(SHUFFLES)
    for place in range(SHUFFLES):
        rng.shuffle(shuffled)
        values[place] = weighted[shuffled[y[shuffled] == predicted]].sum()
    # Sums of the same numbers in another order differ in their last bits.
    return float(np.quantile(values, _BELOW, method="higher")) + 1e-12


def _flipped(y: NDArray[np.int64], predicted: NDArray[np.int64], groups: NDArray[np.int64]) -> float:
    """Return the balanced accuracy that 97.5% of the random signs of the groups do not exceed.

    If predictions do not depend on the class, the recall of each class is the share of all examples that are predicted
    as this class.
    """
    counts = np.bincount(y)
    weights = 1 / (np.maximum(counts, 1) * (counts > 0).sum())
    anyway = np.bincount(predicted, minlength=len(counts))[: len(counts)] / len(y)
    values = flipped((weights[y] * ((predicted == y) - anyway[y]))[:, np.newaxis], groups)[:, 0]
    expected = float(anyway[counts > 0].mean())
    return expected + float(np.quantile(values, _BELOW, method="higher")) + 1e-12


def _sentence(fact: dict[str, Any], above: bool) -> str:
    """Return the numbers and what they mean; `above`: they are higher than chance, but not clearly."""
    name = in_figure(fact["most_frequent_class"])
    return (
        f"The model is {_how(above)} better than chance: accuracy {fact['accuracy']:.2f} ({_interval(fact)}, "
        f"{fact['test_examples']:,} test examples{_origins(fact)}), always "
        f'"{name}" gives {fact["most_frequent_share"]:.2f}; balanced accuracy {fact["balanced_accuracy"]:.2f}, '
        f"{luck(fact.get('test_groups', 0), 'labels')} up to {fact['balanced_accuracy_of_shuffled_labels']:.2f}. "
        "Its explanations are of "
        f"predictions that {_tell(above)} the class."
    )


def _interval(fact: dict[str, Any]) -> str:
    if fact["accuracy_low"] is None:
        return "no interval"
    return f"95% interval {fact['accuracy_low']:.2f} to {fact['accuracy_high']:.2f}"


def _origins(fact: dict[str, Any]) -> str:
    return f" of {fact['test_groups']:,} groups" if "test_groups" in fact else ""


def _headline(fact: dict[str, Any], above: bool) -> str:
    """Return the same in one short line."""
    return (
        f"Model {_how(above)} better than chance (accuracy {fact['accuracy']:.2f}, most frequent class "
        f"{fact['most_frequent_share']:.2f}): explanations of predictions that {_tell(above)} the class"
    )


def _how(above: bool) -> str:
    return "not clearly" if above else "no"


def _tell(above: bool) -> str:
    return "may tell nothing of" if above else "tell nothing of"
