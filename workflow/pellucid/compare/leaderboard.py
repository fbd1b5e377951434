"""The leaderboard: all scores of an experiment's explanations side by side, with ranks."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pellucid import plugins, tables
from pellucid.compare.failed_checks import failed_checks
from pellucid.config.experiment_files import JUDGING as JUDGING
from pellucid.config.variants import method_of
from pellucid.ranks import in_order, tied_ranks
from pellucid.score.shared import example_groups

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)


def run(*, scores: Mapping[str, Path | str], checks: Path | str | None, table: Path | str, metrics: Path | str) -> None:
    """Join the tables of all scores.

    Explanations are ranked by their means over the same examples (`comparable_means.comparable`); explanations that
    differ by less than the precision of a score share their mean rank (`ranks.tied_ranks`). An explanation with too few
    examples of a metric gets no rank in it, and no explanation gets one if fewer than two can be compared. A mean rank
    is for explanations that the same scores judge (`judged_together`).

    Args:
        scores: the table of each score, by its name.
        checks: the table of the checks; None if the checks were not made.
        table: CSV; gets a row for each explanation: its method's family, its mean rank, the checks that it failed, and
            per metric the mean, the ends of its 95% interval, the number of examples and its rank.
        metrics: CSV; gets a row for each metric: score, family, title, variant, which direction is better, whether it
            is a variant of the score's first metric (only these enter the mean rank), number of explanations, number of
            examples behind the ranks, method of the intervals; and where an interval is over groups of examples
            (recordings, patients) `groups`, their largest number.
    """
    import pandas as pd

    columns_of, about = [], []
    for name, path in scores.items():
        rows = tables.read(path)
        spec = plugins.spec("score", name)
        for metric, of_metric in tables.over_all(rows).groupby("metric", sort=False):
            declared = spec.metric(str(metric))
            column = f"{name}.{metric}" if name != str(metric).split(".")[0] else str(metric)
            of_metric = of_metric.set_index("explanation")
            values = of_metric[["mean", "low", "high", "examples"]]
            columns_of.append(values.rename(columns=lambda key, column=column: f"{column} {key}"))
            if declared.better != "neither":
                means = of_metric["comparable mean"].to_numpy()
                rank = pd.Series(tied_ranks(means, lower=declared.better == "lower"), of_metric.index)
                columns_of.append(rank.rename(f"{column} rank"))
            about.append(
                {
                    "metric": column,
                    "score": name,
                    "family": spec.family,
                    "title": declared.title,
                    "variant": str(metric).partition(".")[2],
                    "better": declared.better,
                    "first": str(metric).split(".")[0] == next(iter(spec.metrics)),
                    "explanations": int(of_metric["mean"].notna().sum()),
                    "examples": int(of_metric["comparable examples"].max()),
                    "interval": "; ".join(dict.fromkeys(of_metric["interval"].astype(str))),
                    example_groups.COLUMN: of_metric.get(example_groups.COLUMN, pd.Series([np.nan])).max(),
                }
            )
    listed = example_groups.counted_in(pd.DataFrame(about))
    content = pd.concat(columns_of, axis=1).copy()
    methods = [method_of(label) for label in content.index]
    content.insert(0, "family", [plugins.spec("explain", method).family for method in methods])
    content.insert(1, "mean rank", mean_rank(content, listed).where(judged_together(content, listed)))
    content.insert(2, "failed checks", failed(checks, list(content.index)))
    content = content.iloc[in_order(content["mean rank"].to_numpy(np.float64), list(content.index))]
    content.index.name = "explanation"
    tables.write(table, content, index=True)
    tables.write(metrics, listed)
    logger.info("%d explanations by %d metrics", len(content), len(listed))


def _judging(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the metrics that enter the mean rank."""
    return metrics[metrics["family"].isin(JUDGING) & metrics["first"] & (metrics["better"] != "neither")]


def judged_together(content: pd.DataFrame, metrics: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which explanations the same scores judge as most: only their mean ranks can be compared.

    A score leaves out maps over another domain than its own, such as frequencies; these have no row in its table.
    """
    rows = content[[f"{metric} examples" for metric in _judging(metrics)["metric"]]].notna().to_numpy()
    patterns = [tuple(row) for row in rows.tolist()]
    most = max(dict.fromkeys(patterns), key=patterns.count)
    together = np.array([pattern == most for pattern in patterns], np.bool_)
    if not together.all():
        others = ", ".join(content.index[~together])
        logger.warning("no mean rank for explanations that are not judged by the same scores as the others: %s", others)
    return together


def mean_rank(content: pd.DataFrame, metrics: pd.DataFrame) -> pd.Series:
    """Return the mean over the judging families of the mean rank in each, so that every family counts once."""
    import pandas as pd

    ranked = _judging(metrics)
    families = [
        content[[f"{metric} rank" for metric in members["metric"]]].mean(axis=1)
        for _, members in ranked.groupby("family")
    ]
    return pd.concat(families, axis=1).mean(axis=1) if families else pd.Series(np.nan, content.index)


def failed(checks: Path | str | None, labels: list[str]) -> list[str]:
    """Return what each explanation failed, such as "completeness 0.31 > 0.05"; "" for nothing, or without checks."""
    by_label = failed_checks(checks) if checks else {}
    return ["; ".join(f"{check.name} {check.comparison}" for check in by_label.get(label, [])) for label in labels]
