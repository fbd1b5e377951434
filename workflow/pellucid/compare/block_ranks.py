"""The ranks of methods in each training and example, from the values that the scores gave to each example."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid import files, plugins, tables
from pellucid.config.experiment_files import JUDGING
from pellucid.ranks import tied_ranks

logger = logging.getLogger(__name__)

# Values (examples,) by family and metric, and by explanation.
Values = Mapping[tuple[str, str], Mapping[str, NDArray[np.float64]]]


def judged_values(scores: Mapping[str, tuple[Path | str, Path | str]]) -> Values:
    """Return the values of each example by the metrics that enter the mean rank of a leaderboard, higher is better.

    Args:
        scores: `scores.csv` and `scores.npz` of each score of one training.
    """
    values: dict[tuple[str, str], dict[str, NDArray[np.float64]]] = {}
    for name, (table, arrays) in scores.items():
        spec = plugins.spec("score", name)
        if spec.family not in JUDGING:
            continue
        content = files.read_arrays(arrays)
        for row in tables.over_all(tables.read(table)).itertuples():
            metric = str(row.metric)
            better = spec.metric(metric).better
            if better != "neither" and metric.split(".")[0] == next(iter(spec.metrics)):
                sign = -1 if better == "lower" else 1
                values.setdefault((spec.family, metric), {})[str(row.explanation)] = (
                    sign * content[f"{row.explanation}/{metric}"]
                )
    return values


def shared_rows(examples: Sequence[Mapping[str, NDArray[np.int64]]]) -> list[NDArray[np.int64]]:
    """Return the rows, in each training, of the examples that all trainings explain for the same class.

    Args:
        examples: `indices` and `targets` of the explained examples, by training.
    """
    keys = [list(zip(each["indices"].tolist(), each["targets"].tolist(), strict=True)) for each in examples]
    # The first row of a key, if there are several.
    rows = [{key: row for row, key in reversed(list(enumerate(of_training)))} for of_training in keys]
    common = sorted(set(keys[0]).intersection(*keys[1:]))
    return [np.array([of_training[key] for key in common], np.int64) for of_training in rows]


def block_ranks(
    trainings: Sequence[Values], rows: Sequence[NDArray[np.int64]]
) -> tuple[list[str], NDArray[np.float64], NDArray[np.bool_]]:
    """Rank the methods in each training and example: the mean over families of scores of the mean rank in each.

    A metric counts in a training and example for which all methods have a value, so that methods are compared by the
    same metrics. Examples that have no such metric in one of the trainings are left out.

    Args:
        trainings: values of each training.
        rows: of the examples that are compared, in each training.

    Returns:
        The explanations; their ranks (trainings, examples, explanations), 1 is best; which of the examples of `rows`
        these are.
    """
    labels = sorted({label for values in trainings for of_metric in values.values() for label in of_metric})
    families: dict[str, list[NDArray[np.float64]]] = {}
    for family, metric in trainings[0]:
        ranks = np.full((len(trainings), len(rows[0]), len(labels)), np.nan)
        for training, (values, chosen) in enumerate(zip(trainings, rows, strict=True)):
            of_metric = values.get((family, metric), {})
            for place, row in enumerate(chosen):
                of_example = np.array([of_metric[label][row] if label in of_metric else np.nan for label in labels])
                if np.isfinite(of_example).all():
                    ranks[training, place] = tied_ranks(of_example, lower=False)
        if np.isnan(ranks).all():
            logger.warning("%s is left out: there is no example for which every method has a value", metric)
        families.setdefault(family, []).append(ranks)
    means = [_mean(np.stack(ranks)) for ranks in families.values()]
    ranks = _mean(np.stack(means)) if means else np.empty((len(trainings), 0, len(labels)))
    kept = np.asarray(np.isfinite(ranks).all((0, 2)), np.bool_)
    return labels, ranks[:, kept], kept


def _mean(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over the first axis without NaN; NaN where there is nothing else."""
    counts = np.isfinite(ranks).sum(0)
    sums = np.nansum(ranks, axis=0)
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1), np.nan), np.float64)
