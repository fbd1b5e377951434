"""Score the examples of a model with several inputs one after the other, each with its own held values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.explain.shared import held_examples, number_inputs
from pellucid.score.base import Curve, Explanation, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared.subset import first_of_each


def score(
    plugin: Any,
    explanation: Explanation,
    case: ScoreContext,
    rng: Callable[[], np.random.Generator],
    parameters: Mapping[str, Any],
) -> ScoreResult:
    """Return the result of a score: of all examples at once, or with held inputs of one after the other.

    Args:
        plugin: the score.
        explanation, case, parameters: as for the score.
        rng: makes the generator, in the same state for every example.
    """
    spec: ScoreSpec = plugin.SPEC
    if number_inputs.is_numbers(case.data_info.get("shape", ())):
        name = plugin.__name__.rpartition(".")[2]
        if not spec.of_numbers:
            note = "not defined for an input of numbers, which have neither neighbours nor a common range"
            return undefined(spec, len(case.inputs), note)
        parameters = number_inputs.of_score(name, parameters)
    if case.model is None or not case.others or not (spec.needs_model or spec.needs_method):
        result: ScoreResult = plugin.score(explanation, case, rng(), **parameters)
        return result
    if not spec.several_inputs:
        problem = "it looks at all examples together, and a model of several inputs is scored one example at a time."
        raise InputError(spec.title, problem, "Leave this score out.")
    scored = set(first_of_each(case.labels, parameters.get("examples", "all")).tolist())
    other = case.random_labels.model if case.random_labels else None
    results = {}
    for rows in held_examples.each(case.model, case.others, len(case.inputs), other):
        if rows.start in scored:
            of_row = replace(explanation, attributions=explanation.attributions[rows])
            results[rows.start] = plugin.score(of_row, _case_of(case, rows), rng(), **parameters)
    return _joined(spec, results, len(case.inputs))


def undefined(spec: ScoreSpec, n: int, note: str) -> ScoreResult:
    """Return a result that is defined for no example; the note says why."""
    return ScoreResult({name: np.full(n, np.nan) for name in spec.metrics}, note=note)


def _case_of(case: ScoreContext, rows: slice) -> ScoreContext:
    """Return the context of one example, with a cache of its own: equal inputs may have other held values."""
    return replace(
        case,
        inputs=case.inputs[rows],
        targets=case.targets[rows],
        labels=case.labels[rows],
        cache=case.cache.setdefault(("example", rows.start), {}),
        truth=None if case.truth is None else case.truth[rows],
        truth_frequency=None if case.truth_frequency is None else case.truth_frequency[rows],
        measured=None if case.measured is None else case.measured[rows],
        seeds=None if case.seeds is None else case.seeds[rows],
    )


def _joined(spec: ScoreSpec, results: Mapping[int, ScoreResult], n: int) -> ScoreResult:
    """Return the results of single examples as one; NaN for examples that were not scored."""
    first = next(iter(results.values()))
    values = {}
    for name, of_first in first.values.items():
        once = spec.metric(name).of_model
        values[name] = np.full(n, of_first[0] if once else np.nan)
        for row, result in results.items():
            values[name][row] = result.values[name][0]
    curves = {name: _curve([result.curves[name] for result in results.values()]) for name in first.curves}
    rows = np.array(list(results))
    spread = {name: replace(curve, y=_spread(curve.y, rows, n)) for name, curve in curves.items()}
    # Ends may differ between examples (a contrast has others): an interval may reach the farthest.
    shared = [name for name in first.ends if all(name in result.ends for result in results.values())]
    reach = {name: list(zip(*(result.ends[name] for result in results.values()), strict=True)) for name in shared}
    ends = {name: (min(lows), max(highs)) for name, (lows, highs) in reach.items()}
    return ScoreResult(values, spread, first.note, ends)


def _curve(curves: Sequence[Curve]) -> Curve:
    """Return the curves of single examples as one, at the positions of the finest; others are interpolated."""
    finest = max(curves, key=lambda curve: len(curve.x))
    y = np.stack([np.interp(finest.x, curve.x, curve.y[0]) for curve in curves])
    return replace(finest, y=y)


def _spread(y: NDArray[np.float64], rows: NDArray[np.int64], n: int) -> NDArray[np.float64]:
    spread = np.full((n, y.shape[1]), np.nan)
    spread[rows] = y
    return spread
