"""Say in sentences how good the model is, in the terms of its task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.data_info import DataInfo
from pellucid.evaluate.group_flips import luck
from pellucid.messages import counted
from pellucid.page import model_quality
from pellucid.page.summary import listed
from pellucid.tasks import MULTI_LABEL, REGRESSION, SINGLE_LABEL
from pellucid.user_text import in_figure

_MOST = 5  # labels or values in a sentence


def sentences(
    data: DataInfo,
    metrics: Mapping[str, Any] | None,
    chance: Mapping[str, Any] | None,
    per_output: Any = None,
) -> tuple[str, list[str]]:
    """Return a verdict ("good", "doubtful" or "unknown") and sentences on the model's predictions.

    Args:
        data: `data.json`.
        metrics: `metrics.json`; None if the examples have no labels.
        chance: `chance.json`; None if the evaluation wrote none.
        per_output: the table of labels or values.
    """
    task = data.get("task", SINGLE_LABEL)
    if task == SINGLE_LABEL or metrics is None:
        return model_quality.sentences(metrics, data.get("counts", {}).get("test", {}), chance)
    lines = _of_labels(metrics, per_output) if task == MULTI_LABEL else _of_values(metrics, per_output)
    at_chance = chance["at_chance"] if chance else None
    if at_chance is None:
        return "unknown", [*lines, "The test examples do not differ, so that these numbers do not show what it knows."]
    if at_chance:
        return "doubtful", [*lines, in_figure(str(chance["sentence"] if chance else ""), 2000)]
    assert chance is not None
    lines.append(_against(task, chance))
    if doubtful := chance.get("labels_at_chance"):
        return "doubtful", [
            *lines,
            f"This does not hold for every label: {len(doubtful)} of {metrics['labels']} do not.",
        ]
    return "good", [*lines, "So it is worth asking what the model looks at."]


def _of_labels(metrics: Mapping[str, Any], table: Any) -> list[str]:
    lines = [
        f"On {counted(metrics['test_examples'], 'test example')} its macro AUROC is "
        f"{_with_ends(metrics, 'macro_auroc')}, its macro AUPRC (average precision) "
        f"{_with_ends(metrics, 'macro_auprc')}.",
        f"At thresholds from the validation examples its macro F1 is {_with_ends(metrics, 'macro_f1')}; of "
        f"{metrics['subset_accuracy']:.1%} of the examples all labels are right, and {metrics['hamming_loss']:.1%} of "
        "all single labels are wrong.",
    ]
    ordered = table[np.isfinite(table["auroc"])].sort_values("auroc", ascending=False) if table is not None else None
    if ordered is not None and len(ordered) > 1:
        best, worst = ordered.iloc[0], ordered.iloc[-1]
        lines.append(
            f"It ranks {in_figure(str(best['label']))} best (AUROC {best['auroc']:.3f}) and "
            f"{in_figure(str(worst['label']))} worst ({worst['auroc']:.3f})."
        )
    return lines


def _of_values(metrics: Mapping[str, Any], table: Any) -> list[str]:
    lines = [
        f"On {counted(metrics['test_examples'], 'test example')} its R² is {_with_ends(metrics, 'r2')} (1: always "
        "right, 0: no better than the mean of the test values)."
    ]
    shown = table.iloc[:_MOST] if table is not None else None
    if shown is not None and len(shown):
        errors = []
        for row in shown.itertuples():
            unit = f" {in_figure(row.unit)}" if isinstance(row.unit, str) and row.unit else ""
            ends = f" (95% interval {row.mae_low:.3g} to {row.mae_high:.3g})" if np.isfinite(row.mae_low) else ""
            errors.append(f"{in_figure(str(row.value))}: {row.mae:.3g}{unit}{ends}")
        more = f", and {len(table) - len(shown)} more values" if len(table) > len(shown) else ""
        lines.append(f"Mean absolute error of {listed(errors)}{more}.")
    if metrics.get("interval_coverage") is not None:
        lines.append(
            f"Its 90% intervals, calibrated on the validation examples, hold {metrics['interval_coverage']:.1%} of the "
            "true values."
        )
    return lines


def _against(task: str, chance: Mapping[str, Any]) -> str:
    if task == REGRESSION and (chance["gain_low"] or 0) <= 0:
        return (
            "Its errors are not clearly smaller than those of the training mean, but it knows the order of the values: "
            f"rank correlation {chance['spearman']:.3f} ({luck(chance.get('test_groups', 0), 'values')} up to "
            f"{chance['spearman_of_shuffled_values']:.3f})."
        )
    if task == REGRESSION:
        return (
            "The model clearly does better than always answering with the training mean: R² against that mean "
            f"{chance['r2_against_training_mean']:.3f}, rank correlation {chance['spearman']:.3f}."
        )
    return (
        "The model clearly does better than chance: "
        f"{luck(chance.get('test_groups', 0), 'labels')} a macro AUROC of up to "
        f"{chance['macro_auroc_of_shuffled_labels']:.3f}."
    )


def _with_ends(metrics: Mapping[str, Any], name: str) -> str:
    if metrics[name] is None:
        return "undefined"
    low, high = metrics[f"{name}_low"], metrics[f"{name}_high"]
    return f"{metrics[name]:.3f}" + (f" (95% interval {low:.3f} to {high:.3f})" if low is not None else "")
