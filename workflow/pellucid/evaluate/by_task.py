"""Write the evaluation of a model that predicts several labels or values: tables, metrics, thresholds."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid import files, tables
from pellucid.data_info import DataInfo
from pellucid.evaluate import chance_by_task, class_order, multi_label, output_order, regression, thresholds
from pellucid.evaluate.prediction_tables import of_labels, of_values
from pellucid.score.shared import example_groups
from pellucid.tasks import MULTI_LABEL, sigmoid

logger = logging.getLogger(__name__)


class Validation(NamedTuple):
    """The validation examples: their answers and the model's logits, (M, outputs) each."""

    answers: NDArray[Any]
    logits: NDArray[Any]


def write(
    folder: Path,
    task: str,
    data: DataInfo,
    answers: NDArray[Any],
    logits: NDArray[Any],
    validation: Validation | None,
    training: Path | str | None,
    groups: NDArray[np.str_] | None = None,
    *,
    untrained: bool = False,
) -> None:
    """Score the predictions of the test examples and write all files of the evaluation.

    Args:
        folder: gets `metrics.json`, `chance.json`, `predictions.csv`, `predictions.npz`; for several labels
            `thresholds.json` (the probability from which each is predicted, by its name), `per_label.csv`,
            `confusion_per_label.csv`, `reliability_per_label.csv`; for a regression `per_value.csv` and `coverage.csv`.
        task: multi_label or regression.
        data: `data.json`.
        answers, logits: (N, outputs), of the test examples.
        validation: None for data that are not divided: thresholds are then 0.5, and intervals are left out.
        training: `training.json`, whose notes are repeated in `metrics.json`.
        groups: (N,), the group (patient) of each test example, over which intervals are; None where there are none.
        untrained: the model was not trained here, so that the order of its outputs may differ from that of the data.
    """
    if task == MULTI_LABEL:
        fact, metrics, notes = _labels(folder, data, answers, logits, validation, groups)
    else:
        fact, metrics, notes = _values(folder, data, answers, logits, validation, groups)
    if untrained and (doubt := output_order.warning(answers, logits, data["classes"], task)):
        notes.append(doubt)
    nothing = np.zeros(0, np.int64)
    notes += class_order.notes(training, nothing, nothing, [], fact["sentence"])
    if notes:
        metrics["notes"] = notes
    files.write_json(folder / "chance.json", fact)
    files.write_json(folder / "metrics.json", metrics)


def _labels(
    folder: Path,
    data: DataInfo,
    answers: NDArray[np.uint8],
    logits: NDArray[Any],
    validation: Validation | None,
    groups: NDArray[np.str_] | None,
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    names, notes = list(data["classes"]), []
    if validation is None:
        at, positives = np.full(len(names), thresholds.DEFAULT), np.zeros(len(names), np.int64)
        notes.append(
            "Every threshold is 0.5: the data are not divided, so there are no other examples to find a better one."
        )
    else:
        at = thresholds.of_labels(validation.answers, validation.logits)
        positives = validation.answers.sum(0, dtype=np.int64)
        if absent := [name for name, count in zip(names, positives, strict=True) if not count]:
            listed = f"{', '.join(absent[:5])}{' …' if len(absent) > 5 else ''}"
            notes.append(f"The threshold of {listed} is 0.5: no validation example has the label.")
    scored = multi_label.score(answers, logits, names, at, positives, groups)
    fact = chance_by_task.of_labels(answers, logits, names, example_groups.codes_of(groups))
    if doubt := fact.get("labels_sentence"):
        notes.append(doubt)
    p = sigmoid(logits)
    files.write_json(folder / "thresholds.json", dict(zip(names, at.tolist(), strict=True)))
    files.write_arrays(folder / "predictions.npz", {"logits": logits, "probabilities": p, "labels": answers})
    tables.write(folder / "per_label.csv", scored.per_label)
    tables.write(folder / "confusion_per_label.csv", scored.confusion)
    tables.write(folder / "reliability_per_label.csv", scored.reliability)
    tables.write(folder / "predictions.csv", of_labels(answers, p, at, names))
    logger.info(
        "macro AUROC %s, macro AUPRC %s on %d test examples",
        *(_told(scored.metrics[name]) for name in ("macro_auroc", "macro_auprc")),
        len(answers),
    )
    return fact, scored.metrics, notes


def _values(
    folder: Path,
    data: DataInfo,
    answers: NDArray[np.float32],
    logits: NDArray[Any],
    validation: Validation | None,
    groups: NDArray[np.str_] | None,
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    names, notes = list(data["classes"]), []
    of_training = [data["value_statistics"][name] for name in names]
    means, spread = (np.array([of_value[key] for of_value in of_training], np.float64) for key in ("mean", "sd"))
    units = [str(unit) for unit in data.get("units") or [""] * len(names)]
    errors = np.zeros((0, len(names)))
    if validation is None:
        notes.append(
            "Predictions have no intervals: the data are not divided, so there are no other examples to compute them "
            "from."
        )
    else:
        errors = np.abs(validation.logits.astype(np.float64) - validation.answers)
    scored = regression.score(answers, logits, names, units, spread, errors, groups)
    if validation is not None and not np.isfinite(scored.widths).all():
        notes.append(
            f"Predictions have no intervals of {regression.NOMINAL:.0%}: {len(errors)} validation examples are too few "
            "to compute them."
        )
    fact = chance_by_task.of_values(answers, logits, means, spread, example_groups.codes_of(groups))
    files.write_arrays(folder / "predictions.npz", {"logits": logits, "labels": answers})
    tables.write(folder / "per_value.csv", scored.per_value)
    tables.write(folder / "coverage.csv", scored.coverage)
    tables.write(folder / "predictions.csv", of_values(answers, logits, scored.widths, names))
    logger.info(
        "R² %s, mean absolute error %s training SD on %d test examples",
        *(_told(scored.metrics[name]) for name in ("r2", "mae_in_sd")),
        len(answers),
    )
    return fact, scored.metrics, notes


def _told(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"
