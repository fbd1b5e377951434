"""Measures of views: their means over examples with intervals, so that variants and experiments can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import plugins, seeds, tables
from pellucid.score.shared.bootstrap import NONE, interval

_COLUMNS = ("variant", "measure", "title", "better", "mean", "low", "high", "interval", "examples")


def run(*, view: str, csv: Mapping[str, Path | str], seed: int, table: Path | str) -> None:
    """Write the mean of every measure of every variant of a view.

    Args:
        view: its name; its SPEC says which columns are measures.
        csv: the table of each variant, by its label: a row for each example.
        seed: of the experiment, for the resamples of the intervals.
        table: CSV; gets a row for each variant and measure: mean, ends of the 95% interval over the examples (empty
            where there is none), how it was made, and the number of examples for which the measure is defined. A
            measure that is defined for none has no row.
    """
    import pandas as pd

    spec = plugins.spec("views", view)
    rows: list[dict[str, Any]] = []
    for label, path in csv.items():
        content = tables.read(path, words=spec.words)
        for name, measure in spec.measures.items():
            values = content[measure.column].to_numpy(np.float64)
            rng = seeds.generator(seed, "view measures", label, name)
            found = interval(values, rng, proportion=measure.proportion, low=measure.low, high=measure.high)
            if found.examples:
                ends = (np.nan, np.nan, NONE) if measure.once else (found.low, found.high, found.method)
                facts = (label, name, measure.title, measure.better)
                rows.append(dict(zip(_COLUMNS, (*facts, found.mean, *ends, found.examples), strict=True)))
    tables.write(table, pd.DataFrame(rows, columns=list(_COLUMNS)))


def means(table: Path | str, label: str) -> dict[str, float]:
    """Return the mean of each measure of a variant, from the table that `run` wrote."""
    content = tables.read(table, words=_COLUMNS[:1])
    of_label = content[content["variant"] == label]
    return {str(row.measure): float(row.mean) for row in of_label.itertuples()}
