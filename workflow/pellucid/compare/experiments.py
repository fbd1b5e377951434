"""Join the leaderboards of several experiments."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pellucid import plugins, tables
from pellucid.compare.leaderboard import JUDGING, mean_rank
from pellucid.ranks import in_order

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

# The score that is shown beside the ranks: a random order has 0 on average for any model, so that it may be averaged
# over models. The baseline is the one that most experiments have; of equally frequent ones, the first of these.
KEY = "deletion_insertion.insertion_less_deletion"
_BASELINES = ("mean", "zero", "other", "linear", "noise")
# The column that says which examples an experiment scores is its name and this.
OVER, SHOWN = ": scored", "shown examples"


def run(*, boards: Mapping[str, Path | str], table: Path | str, over: Mapping[str, str] | None = None) -> None:
    """Join the leaderboards of several experiments.

    A mean rank depends on the number of explanations, and not every method applies to every model. The relative rank
    (`relative_ranks`) is averaged instead: 0 for an explanation that is best by every score, 1 for the worst, 0.5 on
    average for a random order.

    Args:
        boards: the leaderboard of each experiment, see `compare.leaderboard.run`.
        table: CSV; gets a row for each explanation: its method's family, the mean relative rank over the experiments
            that have it, their number, and in how many of them it failed a check; then the mean of insertion less
            deletion, with the baseline in the column's name; then, per experiment, the relative rank, the mean rank,
            insertion less deletion and the failed checks. Where an experiment scores other examples than the shown
            ones, it has columns that say which examples the scores of each experiment are of.
        over: which examples were scored, in words, by experiment; "" for those that are shown.
    """
    import pandas as pd

    read = {name: tables.read(board, index="explanation") for name, board in boards.items()}
    score = key_score(read)
    of_experiments, families = [], dict[str, str]()
    for name, board in read.items():
        families |= board["family"].to_dict()
        relative = relative_ranks(board)
        value = board[f"{score} mean"] if f"{score} mean" in board else pd.Series(np.nan, board.index)
        columns = {
            f"{name}: relative rank": relative,
            f"{name}: mean rank": board["mean rank"],
            f"{name}: {titled(score)}": value,
            f"{name}: failed checks": board["failed checks"].fillna(""),
        }
        of_experiments.append(pd.DataFrame(columns))
    joined = pd.concat(of_experiments, axis=1)
    relative = joined[[f"{name}: relative rank" for name in read]]
    failed = joined[[f"{name}: failed checks" for name in read]].fillna("")
    content = pd.DataFrame(
        {
            "family": [families[label] for label in joined.index],
            "relative rank": relative.mean(axis=1),
            "experiments": relative.notna().sum(axis=1),
            "failed in": (failed != "").sum(axis=1),
            titled(score): joined[[f"{name}: {titled(score)}" for name in read]].mean(axis=1),
        },
        index=joined.index,
    )
    content = content.join(joined)
    if any((over or {}).values()):
        content = content.assign(**{f"{name}{OVER}": (over or {}).get(name) or SHOWN for name in read})
    content = content.iloc[in_order(content["relative rank"].to_numpy(np.float64), list(content.index))]
    content.index.name = "explanation"
    tables.write(table, content, index=True)
    logger.info("%d explanations in %d experiments", len(content), len(read))


def relative_ranks(board: pd.DataFrame) -> pd.Series:
    """Return (mean rank - 1) / (explanations - 1), where explanations without a mean rank do not count.

    Scores of maps in any domain rank these as well (`leaderboard.judged_together`): the others then have the ranks that
    they would have without them. A single explanation has no relative rank.

    Args:
        board: a leaderboard.
    """
    import pandas as pd

    ranked = board[board["mean rank"].notna()]
    means = ranked["mean rank"]
    metrics = [column.removesuffix(" rank") for column in board.columns if column.endswith(" rank")]
    judging = {metric: family for metric in metrics if (family := _judging_family(metric))}
    if judging and len(ranked) < len(board):
        ranks = {f"{metric} rank": ranked[f"{metric} rank"].rank() for metric in judging}
        about = {"metric": list(judging), "family": list(judging.values()), "first": True, "better": "higher"}
        means = mean_rank(pd.DataFrame(ranks), pd.DataFrame(about))
    return ((means - 1) / (len(ranked) - 1 or np.nan)).reindex(board.index)


def _judging_family(metric: str) -> str:
    """Return the family of a metric that enters the mean rank, by its name in a leaderboard; "" of other columns."""
    score, *rest = metric.split(".")
    if score not in plugins.load("score"):
        return ""
    spec = plugins.spec("score", score)
    # A score with a metric of its own name is not named twice.
    kind = rest[0] if rest and rest[0] in spec.metrics else score
    return spec.family if spec.family in JUDGING and kind == next(iter(spec.metrics)) else ""


def key_score(boards: Mapping[str, pd.DataFrame]) -> str:
    """Return the name of the shown metric with its baseline, e.g. "….mean"; without one if no leaderboard has any."""
    counts = {baseline: sum(f"{KEY}.{baseline} mean" in board for board in boards.values()) for baseline in _BASELINES}
    most = max(counts.values())
    return f"{KEY}.{max(counts, key=lambda baseline: counts[baseline])}" if most else KEY


def titled(score: str) -> str:
    """Return the column name of a metric from `key_score`."""
    baseline = score.removeprefix(KEY).removeprefix(".")
    return f"insertion less deletion (baseline: {baseline})" if baseline else "insertion less deletion"


def scored(content: pd.DataFrame) -> dict[str, str]:
    """Return which examples the scores of each experiment are of, by its name; {} where all are of the shown ones."""
    columns = [column for column in content.columns if column.endswith(OVER)]
    return {column.removesuffix(OVER): str(content[column].iloc[0]) for column in columns}


def experiments(columns: list[str]) -> list[str]:
    """Return the experiments of a table's columns, in their order."""
    return [column.removesuffix(": mean rank") for column in columns if column.endswith(": mean rank")]
