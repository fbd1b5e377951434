"""How good a trained model is on the test examples, in numbers that a table or a figure can be drawn from."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, tables
from pellucid.evaluate import class_order
from pellucid.logits import log_odds, log_softmax, softmax
from pellucid.messages import MANY_CLASSES, MOST_PROBABLE
from pellucid.network.explained_model import ExplainedModel

logger = logging.getLogger(__name__)

_DIGITS = 9  # of a confidence that is compared with the edge of a bin
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
    as_it_is: bool = False,
) -> None:
    """Predict the test examples and score the predictions.

    Args:
        x: `x_test.npy`.
        labels: `labels.npz`.
        data_info: `data.json`.
        model: `model.keras`.
        threads: CPU threads.
        memory_mb: for the batches.
        folder: gets `metrics.json`, `per_class.csv`, `confusion_matrix.csv` (rows: true class), `reliability.csv`,
            `predictions.csv` and `predictions.npz` (float32 logits, float64 probabilities, int64 labels). Of more than
            20 classes the tables have those alone that are a true or a predicted one, and each example its five most
            probable.
        training: `training.json`, whose notes are repeated in `metrics.json`.
        as_it_is: the model is one from elsewhere that was not trained here, so that its outputs may be those of other
            classes; where they seem to be, a note in `metrics.json` says so.

    Metrics come from the logits: probabilities of a sure model all round to 1. They are there to be read. A model that
    gives probabilities alone has their logarithms for logits, which are as fine as the probabilities were.

    Raises:
        InputError: a logit that is NaN or infinite.
    """
    import pandas as pd

    folder = Path(folder)
    explained_model = ExplainedModel.load(model, threads=threads, memory_mb=memory_mb)
    classes = files.read_json(data_info)["classes"]
    y = files.read_arrays(labels)["test"]
    logits = explained_model.logits(files.map_array(x), called="test example")
    p = softmax(logits)
    metrics, per_class, confusion = scores(y, logits, classes)
    reliability = calibration(y, p)
    metrics["expected_calibration_error"] = float((reliability["share"] * reliability["gap"].abs()).sum())
    predicted = logits.argmax(1)
    predictions = pd.DataFrame(
        {
            "example": np.arange(len(y)),
            "true": np.array(classes, object)[y],
            "predicted": np.array(classes, object)[predicted],
            "correct": predicted == y,
            "confidence": p.max(1),
            **_probabilities(logits, p, classes),
        }
    )
    if len(classes) > MANY_CLASSES:
        occurs = np.isin(np.arange(len(classes)), np.concatenate([y, predicted]))
        per_class, confusion = per_class[occurs], confusion.loc[occurs, occurs]
        metrics[f"top_{MOST_PROBABLE}_accuracy"] = float((most_probable(logits) == y[:, np.newaxis]).any(1).mean())
        metrics["classes_that_occur"] = int(occurs.sum())
        metrics["classes"] = len(classes)
    if notes := class_order.notes(training, y, predicted, classes if as_it_is else []):
        metrics["notes"] = notes
    files.write_json(folder / "metrics.json", metrics)
    files.write_arrays(folder / "predictions.npz", {"logits": logits, "probabilities": p, "labels": y})
    _write_table(folder / "per_class.csv", per_class)
    _write_table(folder / "confusion_matrix.csv", confusion, index=True)
    _write_table(folder / "reliability.csv", reliability)
    _write_table(folder / "predictions.csv", predictions)
    logger.info(
        "accuracy %.4f, balanced accuracy %.4f on %d test examples",
        metrics["accuracy"],
        metrics["balanced_accuracy"],
        len(y),
    )


def _probabilities(logits: NDArray[np.float32], p: NDArray[np.float64], classes: list[str]) -> dict[str, NDArray[Any]]:
    """Columns with the probability of every class, or with the most probable ones where there are many."""
    if len(classes) <= MANY_CLASSES:
        return {f"p_{name}": p[:, label] for label, name in enumerate(classes)}
    columns: dict[str, NDArray[Any]] = {}
    for place, best in enumerate(most_probable(logits).T, 1):
        columns |= {f"top_{place}": np.array(classes, object)[best], f"p_top_{place}": p[np.arange(len(p)), best]}
    return columns


def most_probable(scores: NDArray[Any]) -> NDArray[np.int64]:
    """The classes of the highest logits (or probabilities), the highest first: (N, classes) to (N, 5)."""
    return np.argsort(-scores, axis=1, kind="stable")[:, :MOST_PROBABLE]


def _write_table(path: Path, table: Any, index: bool = False) -> None:
    tables.write(path, table, index=index)


def scores(y: NDArray[np.int64], logits: NDArray[Any], classes: list[str]) -> tuple[dict[str, Any], Any, Any]:
    """Scores of predictions.

    Args:
        y: (N,) labels.
        logits: (N, classes); logarithms of probabilities are logits too.
        classes: names.

    Returns:
        The overall metrics; a table per class; the confusion matrix with the true classes as rows. AUROC is one class
        against the rest, and missing (null) for a class that no, or every, test example has. So are precision, recall
        and F1 of a class that no test example has. Macro means are over the classes that the test set has, where a
        class that is never predicted has a precision of 0.
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
    """Area under the ROC curve; NaN where all examples, or none, are positive."""
    from scipy.stats import rankdata

    count = int(positive.sum())
    if count in (0, len(positive)):
        return float("nan")
    above = rankdata(odds)[positive].sum() - count * (count + 1) / 2
    return float(above / (count * (len(positive) - count)))


def _log_loss(y: NDArray[np.int64], logits: NDArray[Any]) -> float | None:
    """The mean of -log p of the true class; None where a model gives a true class no chance at all."""
    loss = float(-log_softmax(logits)[np.arange(len(y)), y].mean())
    return loss if np.isfinite(loss) else None


def calibration(y: NDArray[np.int64], p: NDArray[np.float64], bins: int = BINS) -> Any:
    """Confidence against accuracy in bins of equal width.

    Returns:
        A table with, per bin: its edges, the share of the examples in it, their mean confidence, their accuracy and
        the gap (accuracy - confidence). The expected calibration error is the share-weighted mean of the absolute gap
        (Guo et al. 2017, On Calibration of Modern Neural Networks, equation 3).
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
