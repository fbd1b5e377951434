"""Measure how good a trained model is on the test examples, in tables that figures are drawn from."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, tables
from pellucid.evaluate import by_task, chance, class_order, group_flips, predictions
from pellucid.logits import log_odds, log_softmax, softmax
from pellucid.messages import MANY_CLASSES, MOST_PROBABLE
from pellucid.network.explained_model import ExplainedModel
from pellucid.ranks import area_under_roc
from pellucid.score.shared import example_groups
from pellucid.tasks import SINGLE_LABEL

logger = logging.getLogger(__name__)

_DIGITS = 9  # of a confidence, when it is compared with the edge of a bin
BINS = 15  # of the reliability diagram, as in Guo et al. 2017


def evaluate(
    *,
    x: Path | str,
    labels: Path | str,
    data_info: Path | str,
    model: Path | str,
    threads: int,
    memory_mb: int,
    folder: Path | str,
    training: Path | str | None = None,
    untrained: bool = False,
    x_validation: Path | str | None = None,
    others: Path | str | None = None,
    others_validation: Path | str | None = None,
    groups: Path | str | None = None,
) -> None:
    """Predict the test examples and score the predictions, of several labels or values as `by_task` says.

    Metrics are computed from the logits: probabilities of a confident model all round to 1. For a model that gives
    only probabilities their logarithms serve as logits, with the precision of the probabilities.

    Args:
        x, labels, data_info: `x_test.npy`, `labels.npz` and `data.json`.
        model: `model.keras`.
        threads: CPU threads.
        memory_mb: for the batches.
        folder: gets `metrics.json`, `per_class.csv`, `confusion_matrix.csv` (rows: true class), `reliability.csv`,
            `predictions.csv` and `predictions.npz` (float32 logits, float64 probabilities, int64 labels), and
            `chance.json`, which says whether the predictions are better than chance. With more than 20 classes the
            tables hold only classes that are true or predicted for some example, and each example's five most probable.
        training: `training.json`, whose notes are repeated in `metrics.json`.
        untrained: the model was not trained here, so that the order of its outputs may differ from that of the classes;
            `metrics.json` gets a note where this seems to be the case.
        x_validation: `x_validation.npy`, from which the thresholds of labels and the intervals of values are found.
        others, others_validation: of several inputs, `other_test.npz` and `other_validation.npz`.
        groups: `groups.npz`: intervals and the comparison with chance are over its groups of test examples, if any.

    Raises:
        InputError: a logit is NaN or infinite.
    """
    folder = Path(folder)
    data, of_splits = files.read_json(data_info), files.read_arrays(labels)
    explained_model = ExplainedModel.load(model, threads=threads, memory_mb=memory_mb)
    classes, y, of_test = data["classes"], of_splits["test"], example_groups.of_test(groups)
    logits = predictions.logits(explained_model, x, others, "test example")
    if (task := data.get("task", SINGLE_LABEL)) != SINGLE_LABEL:
        validation = None
        # Of undivided data the validation examples are the test examples.
        if x_validation is not None and "none" not in data.get("split", {}):
            seen = predictions.logits(explained_model, x_validation, others_validation, "validation example")
            validation = by_task.Validation(of_splits["validation"], seen)
        by_task.write(folder, task, data, y, logits, validation, training, of_test, untrained=untrained)
        return
    p, predicted = softmax(logits), logits.argmax(1)
    metrics, per_class, confusion = scores(y, logits, classes)
    reliability = calibration(y, p)
    metrics["expected_calibration_error"] = float((reliability["share"] * reliability["gap"].abs()).sum())
    if len(classes) > MANY_CLASSES:
        of_many, occurs = _of_many_classes(y, logits, len(classes))
        metrics |= of_many
        per_class, confusion = per_class[occurs], confusion.loc[occurs, occurs]
    origins = example_groups.codes_of(of_test)
    metrics |= group_flips.counted(origins)
    by_chance = chance.compare(y, predicted, classes, origins)
    if notes := class_order.notes(training, y, predicted, classes if untrained else [], by_chance["sentence"]):
        metrics["notes"] = notes
    files.write_json(folder / "chance.json", by_chance)
    files.write_json(folder / "metrics.json", metrics)
    files.write_arrays(folder / "predictions.npz", {"logits": logits, "probabilities": p, "labels": y})
    tables.write(folder / "per_class.csv", per_class)
    tables.write(folder / "confusion_matrix.csv", confusion, index=True)
    tables.write(folder / "reliability.csv", reliability)
    tables.write(folder / "predictions.csv", prediction_table(y, logits, p, classes))
    accuracy, balanced = metrics["accuracy"], metrics["balanced_accuracy"]
    logger.info("accuracy %.4f, balanced accuracy %.4f on %d test examples", accuracy, balanced, len(y))


def _of_many_classes(
    y: NDArray[np.int64], logits: NDArray[Any], count: int
) -> tuple[dict[str, float], NDArray[np.bool_]]:
    """Return further metrics of a model of so many classes, and which classes occur or are predicted, (count,)."""
    occurs = np.isin(np.arange(count), np.concatenate([y, logits.argmax(1)]))
    found = float((most_probable(logits) == y[:, np.newaxis]).any(1).mean())
    names = f"top_{MOST_PROBABLE}_accuracy", "classes_that_occur", "classes"
    return dict(zip(names, (found, int(occurs.sum()), count), strict=True)), occurs


def prediction_table(
    y: NDArray[np.int64] | None, logits: NDArray[Any], p: NDArray[np.float64], classes: list[str]
) -> Any:
    """Return a table with a row for each example; without labels (y is None), what is predicted alone."""
    import pandas as pd

    names, predicted = np.array(classes, object), logits.argmax(1)
    return pd.DataFrame(
        {
            "example": np.arange(len(p)),
            **({} if y is None else {"true": names[y]}),
            "predicted": names[predicted],
            **({} if y is None else {"correct": predicted == y}),
            "confidence": p.max(1),
            **_probabilities(logits, p, classes),
        }
    )


def _probabilities(logits: NDArray[Any], p: NDArray[np.float64], classes: list[str]) -> dict[str, NDArray[Any]]:
    """Return columns with the probability of every class, or of the most probable of many classes."""
    if len(classes) <= MANY_CLASSES:
        return {f"p_{name}": p[:, label] for label, name in enumerate(classes)}
    columns: dict[str, NDArray[Any]] = {}
    for place, best in enumerate(most_probable(logits).T, 1):
        columns |= {f"top_{place}": np.array(classes, object)[best], f"p_top_{place}": p[np.arange(len(p)), best]}
    return columns


def most_probable(scores: NDArray[Any]) -> NDArray[np.int64]:
    """Return the classes with the highest logits or probabilities (N, classes), highest first: (N, 5)."""
    return np.argsort(-scores, axis=1, kind="stable")[:, :MOST_PROBABLE]


def scores(y: NDArray[np.int64], logits: NDArray[Any], classes: list[str]) -> tuple[dict[str, Any], Any, Any]:
    """Score predictions.

    Args:
        y: (N,) labels.
        logits: (N, classes); logarithms of probabilities are logits too.
        classes: names.

    Returns:
        The overall metrics; a table per class; the confusion matrix with the true classes as rows. AUROC is one class
        against the rest; it is missing (null) for a class of no test example, or of all. Precision, recall and F1 are
        missing for a class of no test example. Macro means are over the classes of the test set; a class that is never
        predicted has a precision of 0.
    """
    import pandas as pd
    from sklearn import metrics

    labels = np.arange(len(classes))
    predicted, odds = logits.argmax(1), log_odds(logits)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        y, predicted, labels=labels, zero_division=0.0
    )
    seen = support > 0
    precision, recall, f1 = (np.where(seen, values, np.nan) for values in (precision, recall, f1))
    auroc = np.array([_auroc(y == label, odds[:, label]) for label in labels])
    per_class = pd.DataFrame(
        {"class": classes, "precision": precision, "recall": recall, "f1": f1, "auroc": auroc, "support": support}
    )
    confusion = pd.DataFrame(metrics.confusion_matrix(y, predicted, labels=labels), index=classes, columns=classes)
    confusion.index.name = "true"
    overall = {
        "accuracy": float((predicted == y).mean()),
        "balanced_accuracy": float(recall[seen].mean()),
        "macro_f1": float(f1[seen].mean()),
        "macro_auroc": float(auroc[np.isfinite(auroc)].mean()) if np.isfinite(auroc).any() else None,
        "log_loss": _log_loss(y, logits),
        "test_examples": len(y),
    }
    return overall, per_class, confusion


def _auroc(positive: NDArray[np.bool_], odds: NDArray[np.float64]) -> float:
    """Return the area under the ROC curve; NaN where all examples, or none, are positive."""
    from scipy.stats import rankdata

    return float(area_under_roc(rankdata(odds), positive))


def _log_loss(y: NDArray[np.int64], logits: NDArray[Any]) -> float | None:
    """Return the mean of -log p of the true class; None where p of a true class is 0."""
    loss = float(-log_softmax(logits)[np.arange(len(y)), y].mean())
    return loss if np.isfinite(loss) else None


def calibration(y: NDArray[np.int64], p: NDArray[np.float64], bins: int = BINS) -> Any:
    """Compare confidence with accuracy in bins of equal width.

    Returns:
        A table with a row per bin: its edges, the share of the examples in it, their mean confidence, their accuracy
        and the gap (accuracy - confidence). The expected calibration error is the mean of the absolute gap
        weighted by the share (Guo et al. 2017, On Calibration of Modern Neural Networks, equation 3).
    """
    import pandas as pd

    confidence, correct = p.max(1).astype(np.float64), p.argmax(1) == y
    edges = np.linspace(0, 1, bins + 1)
    # A confidence on an edge belongs to the bin below it, as in the paper: ((m - 1) / M, m / M].
    # Rounded, so that 0.6 and 9/15 are one number.
    index = np.clip(np.digitize(confidence.round(_DIGITS), edges.round(_DIGITS), right=True) - 1, 0, bins - 1)
    count = np.bincount(index, minlength=bins)
    safe = np.maximum(count, 1)
    table = pd.DataFrame(
        {
            "from": edges[:-1],
            "to": edges[1:],
            "examples": count,
            "share": count / len(y),
            "confidence": np.bincount(index, confidence, bins) / safe,
            "accuracy": np.bincount(index, correct, bins) / safe,
        }
    )
    table["gap"] = table["accuracy"] - table["confidence"]
    return table
