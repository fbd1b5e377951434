"""How much the explanations of one experiment agree with each other, and which of them belong together."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, tables
from pellucid.score.shared.similarity import overlap, spearman

logger = logging.getLogger(__name__)

SHARE = 0.1  # of the values that count as the strongest


def run(*, attributions: Iterable[Path | str], data_info: Path | str, table: Path | str, arrays: Path | str) -> None:
    """Compare every pair of explanations of the same examples.

    Args:
        attributions: `attributions.npz` of every method.
        data_info: `data.json`.
        table: CSV; gets a row for each pair over all examples, and one for each class: mean Spearman correlation of the
            absolute attributions, and mean overlap of their strongest tenth.
        arrays: `.npz`; gets labels (V,), groups (K,; all examples first), spearman and overlap (K, V, V) and
            order (V,), in which neighbours agree (average linkage of 1 - Spearman over all examples).
    """
    import pandas as pd

    labels, maps, classes, measured = [], [], np.zeros(0, np.int64), None
    for path in attributions:
        given = files.read_arrays(path)
        labels += [str(label) for label in given["variants"]]
        maps += list(np.abs(given["attributions"]))
        classes, measured = given["labels"], given.get("measured")
    names = files.read_json(data_info)["classes"]
    groups = [(tables.ALL, tables.ALL, np.ones(len(classes), bool))]
    groups += [(tables.CLASS, names[which], classes == which) for which in np.unique(classes)]
    found = np.ones((2, len(groups), len(labels), len(labels)))
    rows = []
    for first in range(len(labels)):
        for second in range(first + 1, len(labels)):
            pair = maps[first], maps[second]
            values = spearman(*pair, measured), overlap(*pair, SHARE, measured)
            for place, (over, name, chosen) in enumerate(groups):
                means = [float(value[chosen].mean()) for value in values]
                found[:, place, first, second] = found[:, place, second, first] = means
                rows.append((labels[first], labels[second], over, name, *means, int(chosen.sum())))
    columns = ["explanation", "other", "over", "class", "spearman", "overlap", "examples"]
    content = pd.DataFrame(rows, columns=columns)
    tables.write(table, content)
    order = _order(found[0, 0])
    kept: dict[str, NDArray[Any]] = {
        "labels": np.array(labels),
        "groups": np.array([name for _, name, _ in groups]),
        "spearman": found[0],
        "overlap": found[1],
        "order": order,
    }
    files.write_arrays(arrays, kept)
    logger.info("%d explanations compared on %d examples", len(labels), len(classes))


def _order(similarity: NDArray[np.float64]) -> NDArray[np.int64]:
    """An order in which neighbours are alike."""
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
    from scipy.spatial.distance import squareform

    if len(similarity) < 3:
        return np.arange(len(similarity))
    distance = squareform(1 - similarity, checks=False)
    tree = optimal_leaf_ordering(linkage(distance, "average"), distance)
    return np.asarray(leaves_list(tree), np.int64)
