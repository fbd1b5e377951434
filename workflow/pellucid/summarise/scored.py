"""Choose which of the measured examples the scores judge, and in which order."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid import files, seeds

logger = logging.getLogger(__name__)


def select(*, examples: Path | str, number: int | str, seed: int, output: Path | str) -> None:
    """Write which measured examples are scored.

    Args:
        examples: what `selection.select` wrote.
        number: how many of each class (label, value), or "all".
        seed: of the experiment.
        output: gets `rows` (int64, places among the measured examples), and of these `indices`, `labels` and `targets`
            as `selection.select` writes them.
    """
    measured = files.read_arrays(examples)
    rows = drawn(measured["labels"], measured["indices"], number, seeds.generator(seed, "scored"))
    files.write_arrays(
        output, {"rows": rows, **{name: measured[name][rows] for name in ("indices", "labels", "targets")}}
    )
    logger.info("%d of %d measured examples are scored", len(rows), len(measured["labels"]))


def drawn(
    labels: NDArray[np.int64], indices: NDArray[np.int64], number: int | str, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw up to `number` rows of each class; return them class by class, those of a class in random order.

    Measured examples have the order of the data, and neighbours may come from one recording. Scores that take the first
    few of each class (`subset.first_of_each`) must not take neighbours. A larger number keeps the examples of a smaller
    one and adds to them. An example keeps its place even if others are missing: another training may contrast fewer of
    them.

    Args:
        labels: (N,), the class for which each measured example stands.
        indices: (N,), of the test examples.
        number: of each class, or "all".
        rng: draws a place for every test example.
    """
    place = rng.random(int(indices.max()) + 1)[indices]
    classes = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    ordered = [rows[np.argsort(place[rows])] for rows in classes]
    return np.concatenate([rows if number == "all" else rows[: int(number)] for rows in ordered]).astype(np.int64)
