"""Code what is explained of an example as one int64: an output of the model, or one output minus another.

A number from 0 is the index of an output. A contrast (why this output and not that one) is a number from 2^40 that
holds both indices. So targets are int64 arrays (N,) in every file and function.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FIRST_CONTRAST = 2**40
_MOST_OUTPUTS = 2**20


def contrast(why: int, not_: int) -> int:
    """Return the target "output `why` minus output `not_`".

    Raises:
        ValueError: both are the same output, whose difference is 0 for every input, or one is no index.
    """
    if why == not_ or not (0 <= why < _MOST_OUTPUTS and 0 <= not_ < _MOST_OUTPUTS):
        raise ValueError(f"a contrast of the outputs {why} and {not_}")
    return _FIRST_CONTRAST + why * _MOST_OUTPUTS + not_


def contrasts(why: NDArray[np.int64], not_: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return `contrast` of each pair of outputs: (N,) and (N,) to (N,). Errors as there."""
    return np.array([contrast(*pair) for pair in zip(why.tolist(), not_.tolist(), strict=True)], np.int64)


def split(targets: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the explained output of each target, and the output that is subtracted, -1 where none is: (N,) each."""
    targets = np.asarray(targets, np.int64)
    contrasts = targets >= _FIRST_CONTRAST
    codes = targets - _FIRST_CONTRAST
    return np.where(contrasts, codes // _MOST_OUTPUTS, targets), np.where(contrasts, codes % _MOST_OUTPUTS, -1)


def are_valid(targets: NDArray[np.int64], n_outputs: int) -> bool:
    """Return whether all targets (N,) speak of outputs that a model with `n_outputs` has."""
    why, other = split(targets)
    return bool(((why >= 0) & (why < n_outputs) & (other < n_outputs) & (why != other)).all())


def columns(outputs: NDArray[Any], targets: NDArray[np.int64]) -> NDArray[Any]:
    """Return the target's value of each example: outputs (N, outputs) at its target (N,), as (N,)."""
    why, other = split(targets)
    rows = np.arange(len(outputs))
    values: NDArray[Any] = outputs[rows, why]
    if (other < 0).all():
        return values
    return np.where(other < 0, values, values - outputs[rows, np.maximum(other, 0)])


def along_outputs(values: NDArray[Any], targets: NDArray[np.int64]) -> NDArray[Any]:
    """Return the value of every target from values of all outputs (..., outputs), such as weights: (..., N)."""
    why, other = split(targets)
    explained: NDArray[Any] = values[..., why]
    if (other < 0).all():
        return explained
    return np.where(other < 0, explained, explained - values[..., np.maximum(other, 0)])


def evidence(truth: NDArray[np.bool_], targets: NDArray[np.int64], depth: int) -> NDArray[np.bool_]:
    """Return where the planted evidence of each example's target is: (N, *input_shape).

    Args:
        truth: (N, *input_shape), the same for every target; or (N, *input_shape, outputs), the evidence of each output.
            The evidence of a contrast is that of both outputs.
        targets: (N,).
        depth: number of axes of the examples, with N.
    """
    if truth.ndim == depth:
        return truth
    why, other = split(targets)
    rows = np.arange(len(truth))
    # The index of the rows and that of the outputs are one: their axis comes first.
    explained: NDArray[np.bool_] = truth[rows, ..., why]
    return np.where((other < 0).reshape(-1, *(1,) * (depth - 1)), explained, explained | truth[rows, ..., other])


def name(target: int, classes: Sequence[str]) -> str:
    """Return how a target is called: "MI", or "MI, not NORM" for a contrast."""
    why, other = (int(index[0]) for index in split(np.array([target])))
    return str(classes[why]) if other < 0 else f"{classes[why]}, not {classes[other]}"
