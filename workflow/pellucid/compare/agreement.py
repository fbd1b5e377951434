"""Agreement: the similarity of the explanations of one experiment, and an order in which neighbours are similar.

It is computed over the scored examples. The maps of many measured examples would not fit into memory, so they are read
a few examples at a time.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, ranks, tables
from pellucid.config.variants import TIME, variants_in_time
from pellucid.datasets.base import UNLABELLED
from pellucid.explain.shared import stored_maps
from pellucid.explain.shared.measured_maps import MeasuredMaps
from pellucid.messages import comma_list
from pellucid.score.shared.explanations import MEASURED, MeasuredFiles
from pellucid.score.shared.similarity import STRONGEST, overlap_of_all

logger = logging.getLogger(__name__)


# Values of all maps that are read at a time.
_ROOM = 2**24


@dataclass(frozen=True)
class Compared:
    """The maps of all explanations of the same examples.

    Attributes:
        labels: of the explanations.
        classes: (N,), for which output each example stands.
        blocks: yields the maps of some examples by all explanations, (explanations, n, *shape), and where these
            were measured, bool (n, *shape), or None if all was; all examples in their order.
    """

    labels: Sequence[str]
    classes: NDArray[np.int64]
    blocks: Iterable[tuple[NDArray[np.float32], NDArray[np.bool_] | None]]


def run(
    *,
    data_info: Path | str,
    table: Path | str,
    arrays: Path | str,
    attributions: Iterable[Path | str] = (),
    measured: MeasuredFiles | None = None,
    methods: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Compare every pair of explanations of the same examples: those that are scored.

    Args:
        data_info: `data.json`.
        table: CSV; gets a row for each pair over all examples, and one for each class: mean Spearman correlation of the
            absolute attributions, mean overlap of their strongest tenth, and the number of examples. Of measured
            examples it has a column `of` that says so.
        arrays: `.npz`; gets labels (V,), groups (K,; all examples first), spearman and overlap (K, V, V), and
            order (V,), in which neighbours are similar (average linkage of 1 - Spearman over all examples); of measured
            examples also `over`, in words, and `examples`, their number.
        attributions: `attributions.npz` of every method, where the shown examples are scored.
        measured: the files of the measured examples, where these are scored; their maps are read some at a time.
        methods: parameters of the methods, by name; needed for the measured examples.
    """
    import pandas as pd

    compared = _of_shown(attributions) if measured is None else _of_measured(measured, methods or {})
    labels, classes = compared.labels, compared.classes
    names = files.read_json(data_info)["classes"]
    groups = [(tables.ALL, tables.ALL, np.ones(len(classes), bool))]
    groups += [(tables.CLASS, names[which], classes == which) for which in np.unique(classes) if which != UNLABELLED]
    similarities = np.ones((2, len(groups), len(labels), len(labels)))
    values = np.concatenate([_of_pairs(*block) for block in compared.blocks], axis=-1)
    rows = []
    for (first, second), of_pair in zip(combinations(range(len(labels)), 2), values, strict=True):
        for group, (over, name, members) in enumerate(groups):
            means = [float(value[members].mean()) for value in of_pair]
            similarities[:, group, first, second] = similarities[:, group, second, first] = means
            rows.append((labels[first], labels[second], over, name, *means, int(members.sum())))
    columns = ["explanation", "other", "over", "class", "spearman", "overlap", "examples"]
    content = pd.DataFrame(rows, columns=columns)
    if measured is not None:
        content["of"] = MEASURED
    tables.write(table, content)
    results: dict[str, NDArray[Any]] = {
        "labels": np.array(labels),
        "groups": np.array([name for _, name, _ in groups]),
        "spearman": similarities[0],
        "overlap": similarities[1],
        "order": _order(similarities[0, 0]),
    }
    if measured is not None:
        results |= {"over": np.array(MEASURED), "examples": np.array(len(classes))}
    files.write_arrays(arrays, results)
    which = "examples" if measured is None else MEASURED
    logger.info("%d explanations compared on %d %s", len(labels), len(classes), which)


def _of_shown(attributions: Iterable[Path | str]) -> Compared:
    stored: dict[str, tuple[NDArray[np.float32], str]] = {}
    classes, measured = np.zeros(0, np.int64), None
    for path in attributions:
        explained = files.read_arrays(path)
        stored |= {label: stored_maps.maps_of(explained, label) for label in stored_maps.labels_of(explained)}
        classes, measured = explained["labels"], explained.get("measured")
    labels, in_time = _of_one_domain(stored)
    maps = np.stack([stored[label][0] for label in labels])
    return Compared(labels, classes, [(maps, measured if in_time else None)])


def _of_measured(explained: MeasuredFiles, methods: Mapping[str, Mapping[str, Any]]) -> Compared:
    """Return the maps of the measured examples that are scored, in the order of the scores."""
    chosen, scored = files.read_arrays(explained.measured), files.read_arrays(explained.scored)
    indices, rows = chosen["indices"], scored["rows"]
    opened = {
        label: MeasuredMaps.open(explained.maps[method], label, list(runs), None, indices)
        for method, parameters in methods.items()
        if (runs := variants_in_time(method, parameters))
        for label in runs
    }
    filled = files.map_arrays(explained.filled).get("test")

    def blocks() -> Iterator[tuple[NDArray[np.float32], NDArray[np.bool_] | None]]:
        of_example = len(opened) * math.prod(next(iter(opened.values())).shape)
        step = max(1, _ROOM // of_example)
        for start in range(0, len(rows), step):
            some = rows[start : start + step]
            known = None if filled is None else np.asarray(filled[indices[some]])
            yield np.stack([maps.stored(some) for maps in opened.values()]), known

    return Compared(list(opened), scored["labels"], blocks())


def _of_pairs(maps: NDArray[np.float32], measured: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    """Return how alike each pair of explanations of each example is: (pairs, 2, n), Spearman and overlap.

    The values are those of `similarity.spearman` and `similarity.overlap` of absolute maps; each map is ranked once,
    and not once for each pair.

    Args:
        maps: (explanations, n, *shape).
        measured: bool (n, *shape), as in `Compared`.
    """
    number, count = maps.shape[:2]
    first, second = np.triu_indices(number, 1)
    found = np.ones((len(first), 2, count))
    for example in range(count):
        values = np.abs(maps[:, example]).reshape(number, -1)
        if measured is not None:
            values = values[:, measured[example].ravel()]
        # Of an example without any measured value all maps are the same.
        if values.shape[1]:
            found[:, 0, example] = ranks.spearman_of_all(values)[first, second]
            found[:, 1, example] = overlap_of_all(values, STRONGEST)[first, second]
    return found


def _of_one_domain(stored: Mapping[str, tuple[NDArray[np.float32], str]]) -> tuple[list[str], bool]:
    """Return the labels of the maps that can be compared, and whether they are maps over time.

    These are all maps over time; if there are none, those with the shape of the first map. The log names the others.
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
