"""Whether a model of several labels or of values is better than one that knows nothing of the example."""

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
# Of the values that shuffled answers give: the share that lies below the limit, as in `chance`.
_BELOW = 0.975
_NAMED = 5  # names in a sentence, at most


def of_labels(
    answers: NDArray[np.uint8], logits: NDArray[Any], labels: Sequence[str], groups: NDArray[np.int64] | None = None
) -> dict[str, Any]:
    """Compare the macro AUROC with that of the same scores when the answers are shuffled between examples.

    Such answers are independent of the scores, and each shuffle keeps which labels occur together; the AUROC is 0.5 on
    average. A model is better than chance if its macro AUROC is above 97.5% of the shuffles. A model that knows nothing
    is called better with a probability of 2.5%.

    Args:
        answers: (N, labels), 1 where the example has the label.
        logits: (N, labels).
        labels: their names.
        groups: (N,), the number of each example's group; None if examples are independent. Six groups or more get
            random signs in place of shuffles (`group_flips`).

    Returns:
        The numbers; `labels_at_chance`, those whose own AUROC is not above 97.5% of the shuffles (2.5% error each, not
        of all together); `at_chance`, None where no label has both kinds of examples; and for a model at chance
        `sentence` and `headline`, otherwise "".
    """
    from scipy.stats import rankdata

    positives = answers.sum(0, dtype=np.int64)
    usable = (positives > 0) & (positives < len(answers))
    fact: dict[str, Any] = {
        "at_chance": None,
        "macro_auroc": None,
        "macro_auroc_of_shuffled_labels": None,
        "labels_at_chance": [],
        "test_examples": len(answers),
        **counted(groups),
        "sentence": "",
        "headline": "",
    }
    if not usable.any():
        return fact
    ranks = np.stack([rankdata(column) for column in logits[:, usable].T], 1)
    has, count = answers[:, usable].astype(np.float64), positives[usable]
    scale, least = count * (len(answers) - count), count * (count + 1) / 2

    def auroc(order: NDArray[np.int64] | slice) -> NDArray[np.float64]:
        return np.asarray((np.einsum("nl,nl->l", ranks, has[order]) - least) / scale, np.float64)

    rng = seeds.generator(0, "evaluate", "chance")
    own = auroc(slice(None))
    if groups is not None and enough(groups):
        shuffled = _flipped_areas(ranks, has, groups)
    else:
        shuffled = np.stack([auroc(rng.permutation(len(answers))) for _ in range(SHUFFLES)])
    limit = float(np.quantile(shuffled.mean(1), _BELOW, method="higher")) + 1e-12
    limits = np.quantile(shuffled, _BELOW, axis=0, method="higher") + 1e-12
    macro = float(own.mean())
    doubtful = [str(name) for name, low in zip(np.array(labels, object)[usable], own <= limits, strict=True) if low]
    fact |= {
        "at_chance": macro <= limit,
        "macro_auroc": macro,
        "macro_auroc_of_shuffled_labels": limit,
        "labels_at_chance": doubtful,
    }
    fact |= _of_labels_in_words(macro, limit, doubtful, len(answers), luck(fact.get("test_groups", 0), "labels"))
    return fact


def _flipped_areas(
    ranks: NDArray[np.float64], has: NDArray[np.float64], groups: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the AUROC of each label with random signs of the groups: (1 + FLIPS, labels), the measured one first.

    Args:
        ranks: (N, labels), of the scores.
        has: (N, labels), 1 where the example has the label.
        groups: (N,), from 0.
    """
    examples, count = len(ranks), has.sum(0)
    # What each example adds to the AUROC less 0.5: its rank, with the sign of its answer.
    rank = (ranks - (examples + 1) / 2) / examples
    return 0.5 + flipped(rank * (has / count - (1 - has) / (examples - count)), groups)


def _of_labels_in_words(
    macro: float, limit: float, doubtful: Sequence[str], count: int, by_luck: str
) -> dict[str, str]:
    """Return the sentence and the headline about a model at chance, or a sentence about some of its labels."""
    if macro <= limit:
        how, tell = ("not clearly", "may tell") if macro > 0.5 else ("no", "tell")
        return {
            "sentence": f"The model is {how} better than chance: macro AUROC {macro:.2f} ({count:,} test examples), "
            f"{by_luck} up to {limit:.2f}. Its explanations are of predictions that {tell} nothing of the "
            "labels.",
            "headline": f"Model {how} better than chance (macro AUROC {macro:.2f}, shuffled labels up to {limit:.2f}): "
            f"explanations of predictions that {tell} nothing of the labels",
        }
    if not doubtful:
        return {}
    # No headline: the other labels' explanations are of a model that knows something.
    named = ", ".join(in_figure(name) for name in doubtful[:_NAMED])
    more = f" and {len(doubtful) - _NAMED} more" if len(doubtful) > _NAMED else ""
    return {
        "labels_sentence": f"Of these labels the model is not clearly better than chance: {named}{more}. Explanations "
        "of them may be of predictions that tell nothing."
    }


def of_values(
    true: NDArray[Any],
    predicted: NDArray[Any],
    means: NDArray[np.float64],
    spread: NDArray[np.float64],
    groups: NDArray[np.int64] | None = None,
) -> dict[str, Any]:
    """Compare the squared errors with those of the training mean, which knows nothing of the example.

    A model is better than chance if one of two statements holds. A model that knows nothing fulfils neither, up to an
    error of 2.5% for each:

    - the mean of (squared error of the training mean - squared error of the model) is above 0 with its 95% interval;
    - the mean over the values of Spearman's correlation of true and predicted values is above 97.5% of those that
      shuffled true values have. This is for a model that is off by a constant or a factor, and yet knows the order.

    Args:
        true, predicted: (N, values).
        means, spread: (values,), mean and standard deviation of the training values.
        groups: (N,), as of `of_labels`; the interval is over groups, too.

    Returns:
        The numbers; `r2_against_training_mean`, 1 - (sum of squared errors) / (sum of squared errors of the training
        mean), as a mean over the values; `at_chance`, None where all test examples have the same values; for a model at
        chance `sentence` and `headline`, otherwise "".
    """
    true, predicted = true.astype(np.float64), predicted.astype(np.float64)
    fact: dict[str, Any] = {
        "at_chance": None,
        "r2_against_training_mean": None,
        "spearman": None,
        "spearman_of_shuffled_values": None,
        "test_examples": len(true),
        **counted(groups),
        "sentence": "",
        "headline": "",
    }
    varied = np.ptp(true, axis=0) > 0
    if not varied.any():
        return fact
    unit = np.where(spread > 0, spread, 1)[varied]
    constant = ((true - means)[:, varied] / unit) ** 2
    errors = ((true - predicted)[:, varied] / unit) ** 2
    gain = interval((constant - errors).mean(1), np.random.default_rng(0), groups=groups)
    own, limit = _correlations(true[:, varied], predicted[:, varied], groups)
    skill = float((1 - errors.sum(0) / constant.sum(0)).mean())
    better = gain.low > 0 or own > limit
    fact |= {
        "at_chance": not better,
        "r2_against_training_mean": or_none(skill),
        "gain_in_squared_sd": gain.mean,
        "gain_low": or_none(gain.low),
        "gain_high": or_none(gain.high),
        "spearman": own,
        "spearman_of_shuffled_values": limit,
    }
    if not better:
        fact |= _of_values_in_words(skill, own, limit, len(true), luck(fact.get("test_groups", 0), "values"))
    return fact


def _of_values_in_words(skill: float, own: float, limit: float, count: int, by_luck: str) -> dict[str, str]:
    """Return the sentence and the headline about a model at chance."""
    how, tell = ("not clearly", "may tell") if skill > 0 and own > 0 else ("no", "tell")
    sentence = (
        f"The model is {how} better than the mean of the training examples: R² against it {skill:.2f} "
        f"({count:,} test examples), rank correlation {own:.2f}, "
        f"{by_luck} up to {limit:.2f}. Its "
        f"explanations are of predictions that {tell} nothing of the true values."
    )
    headline = (
        f"Model {how} better than the training mean (R² against it {skill:.2f}): explanations of predictions that "
        f"{tell} nothing of the true values"
    )
    return {"sentence": sentence, "headline": headline}


def _correlations(
    true: NDArray[np.float64], predicted: NDArray[np.float64], groups: NDArray[np.int64] | None
) -> tuple[float, float]:
    """Return the mean of Spearman's correlation over the values, and what 97.5% of the shuffles do not exceed."""
    from scipy.stats import rankdata

    def standard(values: NDArray[np.float64]) -> NDArray[np.float64]:
        ranks = np.stack([rankdata(column) for column in values.T], 1)
        ranks -= ranks.mean(0)
        size = np.sqrt((ranks**2).sum(0))
        # Equal predictions have no order: they correlate with nothing.
        return np.asarray(ranks / np.where(size > 0, size, 1), np.float64)

    ranks, order = standard(true), standard(predicted)
    if groups is not None and enough(groups):
        signed = flipped((ranks * order).mean(1, keepdims=True), groups)[:, 0]
        return float((ranks * order).sum(0).mean()), float(np.quantile(signed, _BELOW, method="higher")) + 1e-12
    rng = seeds.generator(0, "evaluate", "chance")
    values = [float((ranks[rng.permutation(len(ranks))] * order).sum(0).mean()) for _ in range(SHUFFLES)]
    return float((ranks * order).sum(0).mean()), float(np.quantile(values, _BELOW, method="higher")) + 1e-12
