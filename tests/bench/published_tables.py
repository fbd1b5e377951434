"""Published tables: the published number, the mean here, and how far they are apart.

`published` prints the tables of a known function, from `published` and `published_masks`; `published_state` the one of
a trained network, from `state`. What each part finds is kept (`kept`), so that a run that was ended goes on. Masks are
trained as published.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.bench import kept, published, published_masks, state
from tests.bench.state_run import OTHER_RUN

_MASKS = ("published.py", "published_masks.py")
# Folds of the masks that are trained as published.
IN_ORDER, SHARED = published_masks.IN_ORDER, published_masks.SHARED
FOLDS = {"rare feature": {IN_ORDER: 5, SHARED: 5}, "rare time": {IN_ORDER: 5, SHARED: 5}}
Widths = tuple[int, ...]
# Of the printed columns.
_RARE, _STATE = (29, 29, 30, 26), (29,) * len(state.SCORES)
# Two numbers agree that are no further apart than so many standard errors of their difference.
WITHIN = 2


def compared(
    found: NDArray[np.float64],
    numbers: tuple[float, ...],
    run: NDArray[np.float64] | None = None,
    shared: NDArray[np.float64] | None = None,
) -> list[tuple[float, float, float]]:
    """Return of each score the mean, the standard error of here - published, and this difference in standard errors.

    The published number is the mean of five folds, and varies as such. A difference below what it is rounded to is 0.

    Args:
        found: (folds, scores) here.
        numbers: the published ones.
        run: (folds, scores) of the published experiment, which say how far a fold varies there; None for as far as here.
        shared: (scores,), the variance of what all published folds have in common: one set of test series.
    """
    rows = []
    for place, other in enumerate(numbers):
        values = found[:, place]
        there = (values if run is None else run[:, place]).var(ddof=1) / published.FOLDS
        there += 0.0 if shared is None else shared[place]
        mean, error = float(values.mean()), float(np.sqrt(there + values.var(ddof=1) / len(values)))
        rounding = 0.0005 if other <= 1 else 0.5
        away = mean - other
        # A score that is the same in all folds has no error: any difference is then beyond all errors.
        rows.append(
            (mean, error, 0.0 if abs(away) <= rounding else away / error if error else np.copysign(np.inf, away))
        )
    return rows


def line(method: str, rows: list[tuple[float, float, float]], numbers: tuple[float, ...], widths: Widths) -> str:
    """Return the row of a method in the printed table; `rows` as from `compared`."""
    cells = []
    for other, row, width in zip(numbers, rows, widths, strict=True):
        mean, error, away = row
        digits = 3 if other <= 1 else 0
        distance = f"{away:+5.1f}" if abs(away) < 100 else f"{'>' if away > 0 else '<-'}100"
        text = f"{other:.{digits}f} | {mean:.{digits}f} ± {error:.{digits}f} {distance}"
        cells.append(f"{text:>{width}}")
    return f"{method:<21}" + "".join(cells)


class Table(NamedTuple):
    """A published table and what was found.

    Attributes:
        name: of the table.
        columns: its scores.
        widths: of the printed columns.
        published: the published numbers of each method.
        found: of each method (folds, scores).
        runs: of each method (folds, scores) in another run of the published experiment, where there is one.
        shared: of each method (scores,), the variance of what all published folds have in common, where there is such.
    """

    name: str
    columns: tuple[str, ...]
    widths: Widths
    published: Mapping[str, tuple[float, ...]]
    found: Mapping[str, NDArray[np.float64]]
    runs: Mapping[str, NDArray[np.float64]]
    shared: Mapping[str, NDArray[np.float64]]

    def compared(self, method: str) -> list[tuple[float, float, float]]:
        """Return the comparison of each score of a method."""
        return compared(self.found[method], self.published[method], self.runs.get(method), self.shared.get(method))

    def show(self) -> None:
        """Print of each method and score the published number, the mean here, and their distance."""
        titles = (f"{score:>{width}}" for score, width in zip(self.columns, self.widths, strict=True))
        print(f"\n{self.name:<21}{''.join(titles)}")
        for method, numbers in self.published.items():
            print(line(method, self.compared(method), numbers, self.widths), flush=True)

    def counted(self) -> tuple[int, int, list[str]]:
        """Return how many numbers agree, how many there are, and which do not: ("AUP of occlusion (state)", …)."""
        away = {
            f"{column} of {method} ({self.name})": row[2]
            for method in self.published
            for column, row in zip(self.columns, self.compared(method), strict=True)
        }
        beyond = [each for each, distance in away.items() if abs(distance) > WITHIN]
        return len(away) - len(beyond), len(away), beyond


def of_rare(name: str, seconds: dict[str, float]) -> dict[str, NDArray[np.float64]]:
    """Return the scores of every method of a table without training, masks included; `seconds` takes how long."""
    found = {}
    for method, folds in FOLDS[name].items():
        part = f"{name}, {method}" if folds == published.FOLDS else f"{name}, {method}, {folds} folds"
        measured = partial(published_masks.measured, name, method, folds)
        found[method], seconds[f"{name}, {method}"] = kept.part(part, _MASKS, measured)
    # Methods × folds × scores, in the order of `METHODS`.
    rest, seconds[f"{name}, others"] = kept.part(
        name, _MASKS[:1], lambda: np.array(list(published.measured(name).values()))
    )
    return {**dict(zip(published.METHODS, rest, strict=True)), **found}


def of_state(seconds: dict[str, float]) -> NDArray[np.float64]:
    """Return what `state.measured` does, of all folds: (folds, methods + 1, sets, scores and sums)."""
    folds = []
    for fold in range(state.FOLDS):
        each, seconds[f"state, fold {fold + 1}"] = kept.part(
            f"state {fold}", ("state.py", "published.py"), partial(state.measured, fold)
        )
        folds.append(each)
    return np.array(folds)


def main() -> None:
    """Print the tables without training, how many of their numbers agree, and which do not."""
    from pellucid.network import runtime

    runtime.start(2)
    of_masks = "; ".join(f"{', '.join(map(str, folds.values()))} ({name})" for name, folds in FOLDS.items())
    print(
        f"Published (a mean of {published.FOLDS} folds of {published.SERIES} series) | here (of {published.DRAWS} × "
        f"{published.FOLDS} folds; masks: {of_masks}) ± standard error of"
    )
    print("the difference, and the difference (here - published) in standard errors", flush=True)
    seconds: dict[str, float] = {}
    tables = []
    for name, numbers in published.PUBLISHED.items():
        found = of_rare(name, seconds)
        of_methods = {**numbers, **{method: published_masks.PUBLISHED[name][method] for method in FOLDS[name]}}
        tables.append(Table(name, published.SCORES, _RARE, of_methods, found, {}, {}))
        tables[-1].show()
    _end(["", *summary(tables)], seconds)


def of_trained() -> None:
    """Print the table of *state*, how many of its numbers agree, and which do not."""
    from pellucid.network import runtime

    runtime.start(2)
    print(
        f"Published (a mean of {published.FOLDS} trainings on one set of {state.OF_TEST} series) | here (of "
        f"{state.FOLDS} trainings with {state.SETS} such sets each) ± standard"
    )
    print("error of the difference, and the difference (here - published) in standard errors", flush=True)
    seconds: dict[str, float] = {}
    of_folds = of_state(seconds)
    scores = of_folds[:, :-1, :, : len(state.SCORES)]
    found = dict(zip(state.METHODS, scores.mean(2).transpose(1, 0, 2), strict=True))
    shared = dict(zip(state.METHODS, state.of_set(scores), strict=True))
    table = Table("state", state.SCORES, _STATE, state.PUBLISHED, found, OTHER_RUN, shared)
    table.show()
    missing = len(state.NOT_HERE) * len(state.SCORES)
    left_out = f"Not compared: {missing} numbers without a counterpart here ({', '.join(state.NOT_HERE)})"
    _end([*state.remarks(of_folds), "", *summary([table]), left_out], seconds)


def _end(lines: list[str], seconds: dict[str, float]) -> None:
    minutes = (f"{part} {took / 60:.1f}" for part, took in seconds.items())
    print("\n".join([*lines, f"Minutes, on two cores with other work: {'; '.join(minutes)}"]), flush=True)


def summary(tables: list[Table]) -> list[str]:
    """Return how many numbers of the tables agree, and which do not."""
    counts = [table.counted() for table in tables]
    agree, count = sum(each[0] for each in counts), sum(each[1] for each in counts)
    of_tables = (f"{table.name} {near} of {many}" for table, (near, many, _) in zip(tables, counts, strict=True))
    beyond = [each for *_, others in counts for each in others]
    return [
        f"{agree} of {count} compared numbers ({agree / count:.0%}) are within {WITHIN} standard errors: "
        f"{', '.join(of_tables)}",
        f"Beyond: {'; '.join(beyond) or 'none'}",
    ]
