"""Compare the test metrics of the members of a study, one by one and as means over repetitions."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import files, tables
from pellucid.config.studies import REPEATING, Study, without

logger = logging.getLogger(__name__)


def run(
    *,
    members: Mapping[str, Mapping[str, Any]],
    metrics: Mapping[str, Path | str],
    training: Mapping[str, Path | str],
    cost: Mapping[str, Path | str],
    table: Path | str,
    summary: Path | str,
) -> None:
    """Put the members of a study side by side.

    Args:
        members: the varied values, by member and dotted key.
        metrics: `metrics.json` of each member.
        training: `training.json` of each member.
        cost: `cost.json` of each member's training.
        table: CSV; gets a row for each member: its varied values, every test metric, the best epoch, and the seconds
            of its training.
        summary: CSV; gets a row for each combination of values, seeds and folds excepted: the values, the number of
            members n, and per metric the mean and standard deviation (n - 1; empty for one value) over the members
            that have it, and their number. The standard deviation over folds is too small, since their training
            examples overlap, and no unbiased estimate exists (Bengio Y, Grandvalet Y. No Unbiased Estimator of the
            Variance of K-Fold Cross-Validation. JMLR 5 (2004)).
    """
    import pandas as pd

    test_metrics = {name: _metrics(metrics[name]) for name in members}
    rows = [
        {
            "member": name,
            **shown(values),
            **test_metrics[name],
            "best epoch": files.read_json(training[name])["best_epoch"],
            "seconds": files.read_json(cost[name])["seconds"],
        }
        for name, values in members.items()
    ]
    content = pd.DataFrame(rows)
    tables.write(table, content)
    combined = []
    for group in Study("", members).repeated():
        values = pd.DataFrame([test_metrics[name] for name in group]).astype(np.float64)
        row: dict[str, Any] = {**shown(without(members[group[0]], REPEATING)), "n": len(group)}
        for metric in values:
            row |= {f"{metric} mean": values[metric].mean(), f"{metric} sd": values[metric].std(ddof=1)}
            row[f"{metric} n"] = int(values[metric].notna().sum())
        combined.append(row)
    joined = pd.DataFrame(combined)
    tables.write(summary, joined)
    logger.info("%d members, %d combinations", len(content), len(joined))


def shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as cells of a table: lists and mappings as JSON."""
    return {key: json.dumps(value) if isinstance(value, list | dict) else value for key, value in values.items()}


def _metrics(path: Path | str) -> dict[str, float]:
    """Return the test metrics; NaN for a metric that is not defined."""
    metrics = files.read_json(path)
    return {name: np.nan if value is None else value for name, value in metrics.items() if name != "notes"}
