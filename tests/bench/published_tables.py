"""All published tables, one after the other: the published number, the mean here, and how far they are apart.

The parts are those of `published`, `published_masks` and `state`. What each finds is kept (`kept`), so that a run that
was ended goes on. Masks are trained as published.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from tests.bench import kept, published, published_masks, state

_MASKS = ("published.py", "published_masks.py")
# Folds of the masks that are trained as published: ExtremalMask takes minutes for each.
IN_ORDER, SHARED = published_masks.IN_ORDER, published_masks.SHARED
FOLDS = {"rare feature": {IN_ORDER: 5, SHARED: 5}, "rare time": {IN_ORDER: 5, SHARED: 2}}
# Of the columns of *state*.
_WIDTHS = (29,) * len(state.SCORES)
# Of a table: its name, its scores, the published numbers and what was found.
Rows = tuple[str, tuple[str, ...], Mapping[str, tuple[float, ...]], Mapping[str, NDArray[np.float64]]]
# Two numbers agree that are no further apart than so many standard errors of their difference.
WITHIN = 2


def counted(
    columns: tuple[str, ...], of_methods: Mapping[str, tuple[float, ...]], found: Mapping[str, NDArray[np.float64]]
) -> tuple[int, int, list[str]]:
    """Return how many published numbers agree, how many there are, and which do not: ("AUP of occlusion", …)."""
    away = [
        (method, place, row[2])
        for method, numbers in of_methods.items()
        for place, row in enumerate(published.compared(found[method], numbers))
    ]
    beyond = [(method, place) for method, place, distance in away if abs(distance) > WITHIN]
    return len(away) - len(beyond), len(away), [f"{columns[place]} of {method}" for method, place in beyond]


def table(
    name: str,
    columns: Iterable[str],
    widths: tuple[int, ...],
    of_methods: Mapping[str, tuple[float, ...]],
    found: Mapping[str, NDArray[np.float64]],
) -> None:
    """Print of each method and score the published number, the mean here, and their distance in standard errors."""
    print(f"\n{name:<21}" + "".join(f"{score:>{width}}" for score, width in zip(columns, widths, strict=True)))
    for method, numbers in of_methods.items():
        print(published.line(method, found[method], numbers, widths), flush=True)


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
    """Return what `state.measured` does, of all folds: (folds, methods + 1, 4)."""
    folds = []
    for fold in range(state.FOLDS):
        each, seconds[f"state, fold {fold + 1}"] = kept.part(
            f"state {fold}", ("state.py",), partial(state.measured, fold)
        )
        folds.append(each)
    return np.array(folds)


def main() -> None:
    """Print all tables, how many of their numbers agree, and which do not."""
    from pellucid.network import runtime

    runtime.start(2)
    of_masks = "; ".join(f"{', '.join(map(str, folds.values()))} ({name})" for name, folds in FOLDS.items())
    print(
        f"Published (a mean of {published.FOLDS} folds of {published.SERIES} series) | here (of {published.DRAWS} × "
        f"{published.FOLDS} folds; masks: {of_masks}; state: {state.FOLDS}) ± standard error of"
    )
    print("the difference, and the difference (here - published) in standard errors", flush=True)
    seconds: dict[str, float] = {}
    rows: list[Rows] = []
    for name, numbers in published.PUBLISHED.items():
        found = of_rare(name, seconds)
        of_methods = {**numbers, **{method: published_masks.PUBLISHED[name][method] for method in FOLDS[name]}}
        table(name, published.SCORES, published.WIDTHS, of_methods, found)
        rows.append((name, published.SCORES, of_methods, found))
    of_folds = of_state(seconds)
    of_network = dict(zip(state.METHODS, of_folds.transpose(1, 0, 2), strict=False))
    table("state", state.SCORES, _WIDTHS, state.PUBLISHED, of_network)
    rows.append(("state", state.SCORES, state.PUBLISHED, of_network))
    print("\n".join([*state.remarks(of_folds), "", *summary(rows)]))
    minutes = (f"{part} {took / 60:.1f}" for part, took in seconds.items())
    print(f"Minutes, on two cores with other work: {'; '.join(minutes)}", flush=True)


def summary(rows: list[Rows]) -> list[str]:
    """Return how many numbers of the rows agree, which do not, and what has no counterpart."""
    counts = [(name, *counted(columns, of_methods, found)) for name, columns, of_methods, found in rows]
    agree, count = sum(each[1] for each in counts), sum(each[2] for each in counts)
    missing = len(state.NOT_HERE) * len(state.SCORES)
    of_tables = ", ".join(f"{name} {near} of {many}" for name, near, many, _ in counts)
    return [
        f"{agree} of {count} compared numbers ({agree / count:.0%}) are within {WITHIN} standard errors: {of_tables}",
        f"Beyond: {'; '.join(f'{each} ({name})' for name, _, _, beyond in counts for each in beyond) or 'none'}",
        f"Not compared: {missing} numbers of state without a counterpart here ({', '.join(state.NOT_HERE)});",
        f"if all of them differed, {agree / (count + missing):.0%} would agree",
    ]
