"""Score a model that gives every example any number of labels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid.evaluate import auroc_interval, resampling
from pellucid.evaluate.label_ranking import areas
from pellucid.score.shared import example_groups
from pellucid.tasks import sigmoid

BINS = 15  # of a label's reliability, as of the reliability diagram of classes
# Test examples of each kind, below which a label has no intervals of AUPRC and F1, nor of the means over labels their
# own (`docs/statistics.md` has the measured coverage). Of AUROC see `auroc_interval`.
FEWEST = 10
_DIGITS = 9  # of a probability, when it is compared with the edge of a bin


class Scored(NamedTuple):
    """What is measured of a model with several labels.

    Attributes:
        metrics: for `metrics.json`, without notes.
        per_label: a row for each label.
        confusion: for each label how many examples have it and are predicted to have it, and so on.
        reliability: for each label and each bin of its probability, how many examples have it.
    """

    metrics: dict[str, Any]
    per_label: Any
    confusion: Any
    reliability: Any


def score(
    answers: NDArray[np.uint8],
    logits: NDArray[Any],
    labels: list[str],
    thresholds: NDArray[np.float64],
    validation_positives: NDArray[np.int64],
    groups: NDArray[np.str_] | None = None,
) -> Scored:
    """Score the predictions of test examples.

    AUROC is undefined for a label that all test examples have, or none; AUPRC (average precision), recall and F1 for
    one that none has. Macro means are over the labels for which they are defined; micro means take every pair of an
    example and a label as one decision. Intervals of a label's AUROC are those of `auroc_interval`, all others are from
    resamples of the examples, see `resampling`; the thresholds stay.

    Args:
        answers: (N, labels), 1 where the example has the label.
        logits: (N, labels).
        labels: their names.
        thresholds: (labels,), the probability from which each is predicted.
        validation_positives: (labels,), the validation examples from which each threshold was chosen that have it.
        groups: (N,), such as patients: intervals are over groups then; None if examples are independent.
    """
    import pandas as pd

    has, p = answers == 1, sigmoid(logits)
    predicted = p >= thresholds
    whole = _values(has, logits, predicted, np.ones((1, len(has))))
    members = example_groups.codes_of(groups)
    drawn = [_values(has, logits, predicted, counts) for counts in resampling.resamples(len(has), len(labels), members)]
    blank = np.nan if resampling.too_few(members) else 0.0
    ends = {name: resampling.ends(np.concatenate([block[name] for block in drawn]) + blank) for name in whole}
    _leave_out_rare(ends, has)
    of_labels = [auroc_interval.interval(has[:, place], logits[:, place], members) for place in range(has.shape[1])]
    ends["auroc"] = (np.array([low for low, _ in of_labels]), np.array([high for _, high in of_labels]))
    confusion = _confusion(has, predicted)
    reliability = pd.concat([_reliability(has[:, place], p[:, place], name) for place, name in enumerate(labels)])
    errors = (reliability["share"] * reliability["gap"].abs()).groupby(reliability["label"], sort=False).sum()
    per_label = _per_label(labels, has, whole, ends, confusion)
    per_label["threshold"] = thresholds
    per_label["validation_positives"] = validation_positives
    per_label["calibration_error"] = errors.to_numpy()
    metrics: dict[str, Any] = {}
    for name in ("macro_auroc", "micro_auroc", "macro_auprc", "micro_auprc", "macro_f1", "micro_f1"):
        metrics |= resampling.with_ends(name, whole[name][0], *(float(end) for end in ends[name]))
    metrics |= {
        "hamming_loss": float((predicted != has).mean()),
        "subset_accuracy": float((predicted == has).all(1).mean()),
        "log_loss": float((np.logaddexp(0, logits.astype(np.float64)) - has * logits.astype(np.float64)).mean()),
        "expected_calibration_error": float(errors.mean()),
        "test_examples": len(has),
        **({} if members is None else {"test_groups": int(members.max()) + 1}),
        "labels": len(labels),
    }
    table = pd.DataFrame({"label": labels, **confusion})
    return Scored(metrics, per_label, table, reliability.reset_index(drop=True))


def _values(
    has: NDArray[np.bool_], logits: NDArray[Any], predicted: NDArray[np.bool_], counts: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Return the metrics in each resample: (resamples, labels) of each label, (resamples,) of all labels."""
    n, width = has.shape
    of_labels = [areas(has[:, label], logits[:, label], counts) for label in range(width)]
    auroc, auprc = (np.stack([getattr(label, name) for label in of_labels], 1) for name in ("auroc", "auprc"))
    # Micro: every pair of an example and a label is an entry of its own.
    rows = np.repeat(np.arange(n), width)
    micro = [areas(has.ravel(), logits.ravel(), block, rows) for block in _in_parts(counts, width)]
    hits, calls, positives = counts @ (has & predicted), counts @ predicted, counts @ has
    with np.errstate(divide="ignore", invalid="ignore"):
        f1 = np.where(positives > 0, 2 * hits / (calls + positives), np.nan)
        micro_f1 = 2 * hits.sum(1) / (calls.sum(1) + positives.sum(1))
    return {
        "auroc": auroc,
        "auprc": auprc,
        "f1": f1,
        "macro_auroc": _mean(auroc),
        "macro_auprc": _mean(auprc),
        "macro_f1": _mean(f1),
        "micro_auroc": np.concatenate([block.auroc for block in micro]),
        "micro_auprc": np.concatenate([block.auprc for block in micro]),
        "micro_f1": micro_f1,
    }


def _leave_out_rare(ends: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]], has: NDArray[np.bool_]) -> None:
    """Remove, in place, the intervals of labels that too few test examples have, or lack: they would be too narrow."""
    positives = has.sum(0)
    rare = np.minimum(positives, len(has) - positives) < FEWEST
    for name in ("auprc", "f1"):
        for end in ends[name]:
            end[rare] = np.nan


def _in_parts(counts: NDArray[np.float64], parts: int) -> list[NDArray[np.float64]]:
    """Return the resamples in blocks, so that entries of all labels take no more memory than those of one label."""
    size = max(1, len(counts) // parts)
    return [counts[start : start + size] for start in range(0, len(counts), size)]


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over labels of the finite values (resamples, labels), NaN where there are none."""
    finite = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(finite, values, 0).sum(1) / finite.sum(1), np.float64)


def _confusion(has: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> dict[str, NDArray[np.int64]]:
    return {
        "true_positives": (has & predicted).sum(0),
        "false_positives": (~has & predicted).sum(0),
        "false_negatives": (has & ~predicted).sum(0),
        "true_negatives": (~has & ~predicted).sum(0),
    }


def _per_label(
    labels: list[str],
    has: NDArray[np.bool_],
    whole: dict[str, NDArray[np.float64]],
    ends: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]],
    confusion: dict[str, NDArray[np.int64]],
) -> Any:
    """Return the table of the labels; a label that is never predicted has a precision of 0, as scikit-learn's."""
    import pandas as pd

    hits, positives = confusion["true_positives"], has.sum(0)
    calls = hits + confusion["false_positives"]
    columns: dict[str, Any] = {"label": labels, "positives": positives, "share": has.mean(0)}
    for name in ("auroc", "auprc", "f1"):
        low, high = ends[name]
        columns |= {name: whole[name][0], f"{name}_low": low, f"{name}_high": high}
    columns["precision"] = np.where(positives > 0, hits / np.maximum(calls, 1), np.nan)
    columns["recall"] = np.where(positives > 0, hits / np.maximum(positives, 1), np.nan)
    return pd.DataFrame(columns)


def _reliability(has: NDArray[np.bool_], p: NDArray[np.float64], label: str) -> Any:
    """Compare a label's probability with how often examples have it, in bins of equal width as `run.calibration`."""
    import pandas as pd

    edges = np.linspace(0, 1, BINS + 1)
    index = np.clip(np.digitize(p.round(_DIGITS), edges.round(_DIGITS), right=True) - 1, 0, BINS - 1)
    count = np.bincount(index, minlength=BINS)
    safe = np.maximum(count, 1)
    table = pd.DataFrame(
        {
            "label": label,
            "from": edges[:-1],
            "to": edges[1:],
            "examples": count,
            "share": count / len(p),
            "probability": np.bincount(index, p, BINS) / safe,
            "frequency": np.bincount(index, has, BINS) / safe,
        }
    )
    table["gap"] = table["frequency"] - table["probability"]
    return table
