"""Find columns of a signal that are probably no signal: row numbers of a long table, the class, missing values.

Nothing is left out: the log, the record and the page have a sentence about each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.readers.dialect import MISSING
from pellucid.datasets.readers.labels import Labels
from pellucid.datasets.readers.tabular import Table, counting_columns
from pellucid.messages import abbreviate, comma_list, counted

# With fewer examples, such columns are coincidence.
_ROWS = 10
# A class that so large a share of the columns tells is what the signal is about.
_SHARE = 0.25
# Numbers that files write for a missing value.
_MISSING = (-99.0, -999.0, -9999.0, -99999.0, 999.0, 9999.0, 99999.0)
_LEAVE_OUT = "leave it out: signal."


def notes(table: Table, coded: Labels) -> tuple[str, ...]:
    """Return a sentence about each doubt.

    Args:
        table: of the training examples, without gaps.
        coded: their labels; of one class for each example, (N,), or of several labels or values, (N, outputs).
    """
    x, classes = table.series.x, coded.numbers["train"]
    single = table.labels is not None and classes.ndim == 1 and len(coded.classes) > 1
    found = [*counting_columns(table), *_about_missing(x), *(_about_labels(coded.classes) if single else ())]
    if len(x) >= _ROWS and table.series.lengths is None and table.columns is not None:
        found += _about_steps(table)
        if single:
            found += [*_about_classes(table, classes), *_about_one_hot(table, classes)]
    return tuple(found)


def _about_missing(x: NDArray[Any]) -> Iterator[str]:
    """Yield a note if the smallest or largest value is a usual number for "missing", and far from all others."""
    if not x.size:
        return
    for end, nearest, far in ((float(x.min()), np.min, np.inf), (float(x.max()), np.max, -np.inf)):
        if end not in _MISSING:
            continue
        others = float(nearest(x, where=x != end, initial=far)), float((x.max if far > 0 else x.min)())
        if np.isfinite(others[0]) and abs(others[0] - end) > abs(others[1] - others[0]):
            times = counted(int((x == end).sum()), "time")
            yield (
                f"The value {end:g} occurs {times}, far from all others: if it stands for a missing value, write an "
                "empty cell instead, and say what to do with it: missing."
            )


def _about_labels(classes: Sequence[str]) -> Iterator[str]:
    """Yield a note on classes whose names are those of a missing label."""
    if absent := [abbreviate(name) for name in classes if name in MISSING]:
        yield (
            f"{comma_list(absent)} is a class like the others; if it stands for a missing label, leave its examples "
            "out: classes."
        )


def _about_steps(table: Table) -> Iterator[str]:
    """Yield a note on columns that rise by equal steps from row to row, once or repeatedly."""
    x = table.series.x
    first = np.diff(x[:3].astype(np.float64), axis=0)
    for time, channel in np.argwhere((first[0] > 0) & np.isclose(first[0], first[1])):
        values = x[:, time, channel].astype(np.float64)
        steps = np.diff(values)
        restarts = steps < 0
        if not np.allclose(steps[~restarts], steps[0]):
            continue
        place = table.series.place(0, int(time), int(channel))
        if not restarts.any() and steps[0] != 1:  # of step 1: `tabular.counting_columns`
            rises = f"this column of the signal rises by {steps[0]:g} from row to row"
            yield f"{place}: {rises}; if it numbers them, {_LEAVE_OUT}"
        elif restarts.sum() > 1 and (values[1:][restarts] == values[0]).all():
            yield (
                f"{place}: this column of the signal counts from {values[0]:g} again and again, as times do in a table "
                "of a row for each time (long format). Here a row must be a whole example: bring all times of an "
                f"example into one row (pandas: pivot); or, if the rows are examples, {_LEAVE_OUT}"
            )


def _about_classes(table: Table, classes: NDArray[Any]) -> Iterator[str]:
    """Yield a note on columns in which each value belongs to only one class: a copy of the label."""
    x, kinds = table.series.x, np.unique(classes)
    if len(kinds) < 2:
        return
    means = []
    constant = np.ones(x.shape[1:], bool)
    for kind in kinds:
        rows = x[classes == kind]
        constant &= rows.min(0) == rows.max(0)
        means.append(rows[0])
    telling = constant & (np.diff(np.sort(np.stack(means), axis=0), axis=0) != 0).all(0)
    if telling.any() and telling.mean() <= _SHARE + 1 / telling.size:
        for time, channel in np.argwhere(telling):
            place = table.series.place(0, int(time), int(channel))
            tells = "this column of the signal has one value for each class"
            yield f"{place}: {tells}; if it is a copy of the label, {_LEAVE_OUT}"


def _about_one_hot(table: Table, classes: NDArray[Any]) -> Iterator[str]:
    """Yield a note if the last columns of the signal and a label of 0 and 1 sum to 1: one-hot classes."""
    if np.unique(classes).tolist() != [0, 1]:
        return
    x, total = table.series.x, classes.astype(np.float64)
    places: list[Sequence[int]] = []
    for time, channel in reversed(list(np.ndindex(x.shape[1:]))):
        values = x[:, time, channel]
        total = total + values
        if not ((values == 0) | (values == 1)).all() or total.max() > 1:
            return
        places.append((time, channel))
        if (total == 1).all():
            break
    if len(places) > 1 and (total == 1).all():
        first, last = (table.series.place(0, *place) for place in (places[-1], places[0]))
        yield (
            f"{first}, to {last}: exactly one of these columns of the signal and of the label is 1 in each row, as "
            "where each class has a column of its own. They tell the class: make one column of class names of them."
        )
