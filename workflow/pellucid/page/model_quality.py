"""Say in sentences how good the model is, compared with chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.evaluate.group_flips import FEWEST, luck
from pellucid.messages import counted
from pellucid.score.shared.bootstrap import interval
from pellucid.user_text import in_figure


def sentences(
    metrics: Mapping[str, Any] | None, counts: Mapping[str, int], chance: Mapping[str, Any] | None = None
) -> tuple[str, list[str]]:
    """Return a verdict ("good", "doubtful" or "unknown") and sentences on the model's predictions.

    Args:
        metrics: `metrics.json`; None if the examples have no labels.
        counts: test examples of each class.
        chance: what the evaluation found when it compared the model with chance: `at_chance` (None if the test examples
            are of one class) and a `sentence` about a model at chance. Without it, accuracy is compared with the share
            of the most frequent class.
    """
    if metrics is None:
        return "unknown", ["The examples have no labels: nobody knows how often the model is right."]
    total, accuracy = int(metrics["test_examples"]), float(metrics["accuracy"])
    right, present = round(accuracy * total), {name: count for name, count in counts.items() if count}
    values = np.repeat([1.0, 0.0], [right, total - right])
    ends = interval(values, np.random.default_rng(0), proportion=True)
    low, high = ends.low, ends.high
    groups = int(metrics.get("test_groups", 0))
    if groups and chance is not None:
        # Counts alone do not tell how alike examples of one group are.
        low, high = (np.nan if chance[name] is None else chance[name] for name in ("accuracy_low", "accuracy_high"))
    reach = "no interval" if np.isnan(low) else f"95% interval {low:.3f} to {high:.3f}"
    lines = [
        f"It names the class of {right:,} of {counted(total, 'test example')} correctly: accuracy {accuracy:.3f} "
        f"({reach}), balanced accuracy {float(metrics['balanced_accuracy']):.3f}."
    ]
    if len(present) < 2:
        lines.append("All test examples are of one class, so that these numbers do not show what the model knows.")
        return "unknown", lines
    frequent = max(present, key=lambda name: present[name])
    share = present[frequent] / sum(present.values())
    equal = sum(count == present[frequent] for count in present.values())
    if equal == 1:
        which = f"the most frequent class, {in_figure(frequent)},"
    else:
        which = "the same class" if equal == len(present) else f"one of the {equal} most frequent classes"
    lines.append(
        f"Always answering with {which} would give an accuracy of {share:.3f} and a balanced accuracy of "
        f"{1 / len(present):.3f}."
    )
    if chance is not None and chance["at_chance"]:
        return "doubtful", [*lines, in_figure(str(chance["sentence"]), 2000)]
    if groups:
        lines.append(_over_groups(groups))
    if low > share:
        return "good", [*lines, "The model clearly does better, so it is worth asking what it looks at."]
    if chance is not None and chance["at_chance"] is False:
        shuffled = float(chance["balanced_accuracy_of_shuffled_labels"])
        return "good", [
            *lines,
            "Its accuracy alone would not show that the model does better, but its balanced accuracy does: "
            f"{luck(groups, 'labels')} up to {shuffled:.3f}. It is worth asking what the model looks at.",
        ]
    return "doubtful", [
        *lines,
        "Its accuracy does not show that the model does better: the explanations may be those of a model that "
        "knows nothing. Do not interpret them before the model is better, or has been tested on more examples.",
    ]


def _over_groups(number: int) -> str:
    """Return what the interval is over, or why a few groups do not show how good the model is on others."""
    if number < FEWEST:
        return (
            f"The test examples are from {counted(number, 'group')} (recordings, patients): so few do not show how the "
            "model does on others."
        )
    return f"The test examples are from {number:,} groups (recordings, patients), and the interval is over groups."
