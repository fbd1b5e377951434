"""Scores as metrics of MLflow: one naming scheme, and which direction of each metric is better."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pellucid import plugins, tables
from pellucid.compare.experiments import KEY
from pellucid.compare.leaderboard import JUDGING

MEAN_RANK = "leaderboard/mean_rank"


class Direction(NamedTuple):
    """What a metric's number says: which direction is better ("" for neither), and whether it enters the mean rank."""

    better: str
    is_judged: bool


def named(score: str, metric: str) -> str:
    """Return the name of a score's metric; MLflow groups charts by what stands before the last slash."""
    return f"score/{score}/{metric}"


def leading(baseline: str = "mean") -> str:
    """Return the name of the metric that the leaderboard shows first."""
    score, metric = KEY.split(".", 1)
    return named(score, f"{metric}.{baseline}")


def direction(name: str) -> Direction:
    """Return what is known of a metric by its name."""
    if name == MEAN_RANK:
        return Direction("lower", True)
    _, score, metric = name.split("/", 2)
    spec, kind = plugins.spec("score", score), metric.split(".")[0]
    better = spec.metric(metric).better
    judged = better != "neither" and spec.family in JUDGING and kind == next(iter(spec.metrics))
    return Direction("" if better == "neither" else better, judged)


def means(paths: Iterable[Path], leaderboard: Path | None) -> dict[str, dict[str, float]]:
    """Return the mean of every score over all examples, by explanation and metric; with a leaderboard the mean rank.

    The metric that the leaderboard shows first comes first, then the judged ones: MLflow's page keeps the order.
    """
    values: dict[str, dict[str, float]] = {}
    if leaderboard is not None:
        ranks = tables.read(leaderboard, index="explanation")["mean rank"].dropna()
        values = {str(label): {MEAN_RANK: float(rank)} for label, rank in ranks.items()}
    for path in paths:
        rows = tables.over_all(tables.read(path))
        for row in rows[rows["mean"].notna()].itertuples():
            values.setdefault(row.explanation, {})[named(path.parent.name, row.metric)] = float(row.mean)
    return {label: dict(sorted(of_label.items(), key=_place)) for label, of_label in values.items()}


def _place(metric: tuple[str, float]) -> tuple[bool, bool]:
    name, _ = metric
    return name != leading(), not direction(name).is_judged


def parameters(scores: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the parameters of each score in one value, as JSON; a score without any is left out."""
    return {f"scores.{name}": json.dumps(values, sort_keys=True) for name, values in scores.items() if values}
