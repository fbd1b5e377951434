"""Agreement: the similarity of the explanations of one experiment, and an order in which neighbours are similar."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, tables
from pellucid.config.variants import TIME
from pellucid.datasets.base import UNLABELLED
from pellucid.explain.shared import stored_maps
from pellucid.messages import comma_list
from pellucid.score.shared.similarity import STRONGEST, overlap, spearman

logger = logging.getLogger(__name__)


def run(*, attributions: Iterable[Path | str], data_info: Path | str, table: Path | str, arrays: Path | str) -> None:
    """Compare every pair of explanations of the same examples.

    Args:
        attributions: `attributions.npz` of every method.
        data_info: `data.json`.
        table: CSV; gets a row for each pair over all examples, and one for each class: mean Spearman correlation of the
            absolute attributions, and mean overlap of their strongest tenth.
        arrays: `.npz`; gets labels (V,), groups (K,; all examples first), spearman and overlap (K, V, V) and
            order (V,), in which neighbours are similar (average linkage of 1 - Spearman over all examples).
    """
    import pandas as pd

    stored: dict[str, tuple[NDArray[np.float32], str]] = {}
    classes, measured = np.zeros(0, np.int64), None
    for path in attributions:
        explained = files.read_arrays(path)
        stored |= {label: stored_maps.maps_of(explained, label) for label in stored_maps.labels_of(explained)}
        classes, measured = explained["labels"], explained.get("measured")
    labels, in_time = _of_one_domain(stored)
    maps, measured = [np.abs(stored[label][0]) for label in labels], measured if in_time else None
    names = files.read_json(data_info)["classes"]
    groups = [(tables.ALL, tables.ALL, np.ones(len(classes), bool))]
    groups += [(tables.CLASS, names[which], classes == which) for which in np.unique(classes) if which != UNLABELLED]
    similarities = np.ones((2, len(groups), len(labels), len(labels)))
    rows = []
    for first in range(len(labels)):
        for second in range(first + 1, len(labels)):
            pair = maps[first], maps[second]
            values = spearman(*pair, measured), overlap(*pair, STRONGEST, measured)
            for group, (over, name, members) in enumerate(groups):
                means = [float(value[members].mean()) for value in values]
                similarities[:, group, first, second] = similarities[:, group, second, first] = means
                rows.append((labels[first], labels[second], over, name, *means, int(members.sum())))
    columns = ["explanation", "other", "over", "class", "spearman", "overlap", "examples"]
    content = pd.DataFrame(rows, columns=columns)
    tables.write(table, content)
    results: dict[str, NDArray[Any]] = {
        "labels": np.array(labels),
        "groups": np.array([name for _, name, _ in groups]),
        "spearman": similarities[0],
        "overlap": similarities[1],
        "order": _order(similarities[0, 0]),
    }
    files.write_arrays(arrays, results)
    logger.info("%d explanations compared on %d examples", len(labels), len(classes))


def _of_one_domain(stored: Mapping[str, tuple[NDArray[np.float32], str]]) -> tuple[list[str], bool]:
    """Return the labels of the maps that can be compared, and whether they are maps over time.

    These are all maps over time; without any, those of the shape of the first map. The log names the others.
    """
    in_time = any(domain == TIME for _, domain in stored.values())
    reference = next((maps.shape, domain) for maps, domain in stored.values() if domain == TIME or not in_time)
    labels = [label for label, (maps, domain) in stored.items() if (maps.shape, domain) == reference]
    if others := [label for label in stored if label not in labels]:
        logger.warning("not compared with maps over %s: %s", reference[1], comma_list(others))
    return labels, in_time


def _order(similarity: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return an order in which neighbours are similar."""
    from scipy.cluster.hierarchy import leaves_list, linkage, optimal_leaf_ordering
    from scipy.spatial.distance import squareform

    if len(similarity) < 3:
        return np.arange(len(similarity))
    distance = squareform(1 - similarity, checks=False)
    tree = optimal_leaf_ordering(linkage(distance, "average"), distance)
    return np.asarray(leaves_list(tree), np.int64)
