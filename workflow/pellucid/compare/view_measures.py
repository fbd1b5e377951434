"""Measures of views: their means over examples with intervals, so that variants and experiments can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import plugins, seeds, tables
from pellucid.score.shared import example_groups
from pellucid.score.shared.bootstrap import NONE, interval

_COLUMNS = ("variant", "measure", "title", "better", "mean", "low", "high", "interval", "examples")
EXAMPLE = "example"


def run(
    *, view: str, csv: Mapping[str, Path | str], seed: int, table: Path | str, groups: Path | str | None = None
) -> None:
    """Write the mean of every measure of every variant of a view.

    Args:
        view: its name; its SPEC says which columns are measures.
        csv: the table of each variant, by its label: a row for each example.
        seed: of the experiment, for the resamples of the intervals.
        table: CSV; gets a row for each variant and measure: mean, ends of the 95% interval over the examples (empty
            where there is none), how it was made, and the number of examples for which the measure is defined. A
            measure that is defined for none has no row. Where examples of one group (a patient) are among them it has a
            column `groups` as well, the number of groups, over which intervals are.
        groups: `groups.npz`; the column `example` of a view's table says which test examples its rows are.
    """
    import pandas as pd

    spec = plugins.spec("views", view)
    rows: list[dict[str, Any]] = []
    of_test = example_groups.of_test(groups)
    for label, path in csv.items():
        content = tables.read(path, words=spec.words)
        origin = None if of_test is None or EXAMPLE not in content else of_test[content[EXAMPLE].to_numpy()]
        for name, measure in spec.measures.items():
            values = content[measure.column].to_numpy(np.float64)
            rng = seeds.generator(seed, "view measures", label, name)
            limits = {"low": measure.low, "high": measure.high}
            found = interval(values, rng, proportion=measure.proportion, groups=origin, **limits)
            if found.examples:
                ends = (np.nan, np.nan, NONE) if measure.once else (found.low, found.high, found.method)
                number = None if measure.once else found.groups
                facts = (label, name, measure.title, measure.better)
                numbers = (found.mean, *ends, found.examples, number)
                rows.append(dict(zip((*_COLUMNS, example_groups.COLUMN), (*facts, *numbers), strict=True)))
    tables.write(table, example_groups.counted_in(pd.DataFrame(rows, columns=[*_COLUMNS, example_groups.COLUMN])))


def means(table: Path | str, label: str) -> dict[str, float]:
    """Return the mean of each measure of a variant, from the table that `run` wrote."""
    content = tables.read(table, words=_COLUMNS[:1])
    of_label = content[content["variant"] == label]
    return {str(row.measure): float(row.mean) for row in of_label.itertuples()}
