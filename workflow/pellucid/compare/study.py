"""What the members of a study reached on their test examples, one by one and over what only repeats them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import files, tables
from pellucid.config.studies import REPEATING, Study, described, without

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
        training: `training.json` of each.
        cost: `cost.json` of the training of each.
        table: CSV; gets a row for each member: its varied values, every test metric, the best epoch, and the seconds
            of its training.
        summary: CSV; gets a row for each combination of the values other than seeds and folds: those values, the
            number of members n, and per metric their mean and standard deviation (n - 1; empty for one value) over the
            members that have it, and their number.
            That of folds is too small, since their training examples overlap, and no unbiased one exists (Bengio Y,
            Grandvalet Y. No Unbiased Estimator of the Variance of K-Fold Cross-Validation. JMLR 5 (2004)).
    """
    import pandas as pd

    reached = {name: _metrics(metrics[name]) for name in members}
    rows = [
        {
            "member": name,
            **shown(values),
            **reached[name],
            "best epoch": files.read_json(training[name])["best_epoch"],
            "seconds": files.read_json(cost[name])["seconds"],
        }
        for name, values in members.items()
    ]
    content = pd.DataFrame(rows)
    tables.write(table, content)
    combined = []
    for group in Study("", members).repeated():
        found = pd.DataFrame([reached[name] for name in group]).astype(np.float64)
        row: dict[str, Any] = {**shown(without(members[group[0]], REPEATING)), "n": len(group)}
        for metric in found:
            row |= {f"{metric} mean": found[metric].mean(), f"{metric} sd": found[metric].std(ddof=1)}
            row[f"{metric} n"] = int(found[metric].notna().sum())
        combined.append(row)
    joined = pd.DataFrame(combined)
    tables.write(summary, joined)
    logger.info("%d members, %d combinations", len(content), len(joined))


def headline(summary: Path | str, members: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Each number of the summary by a name such as "accuracy mean/learning rate 0.001"."""
    rows = tables.read(summary)
    groups = Study("", members).repeated()
    return {
        f"{column}/{described(without(members[group[0]], REPEATING))}".removesuffix("/"): float(row[column])
        for group, (_, row) in zip(groups, rows.iterrows(), strict=True)
        for column in rows
        if column.endswith((" mean", " sd")) and np.isfinite(row[column])
    }


def shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as cells of a table: lists and mappings as JSON."""
    return {key: json.dumps(value) if isinstance(value, list | dict) else value for key, value in values.items()}


def _metrics(path: Path | str) -> dict[str, float]:
    """The test metrics; NaN for one that is not defined."""
    given = files.read_json(path)
    return {name: np.nan if value is None else value for name, value in given.items() if name != "notes"}
