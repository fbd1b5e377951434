"""Refuse class scores that are no logits: a softmax behind them would give other probabilities, and other maps."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.models.imported import callers_words, value_ends

_INDEPENDENT = ("sigmoid", "Sigmoid", "log_sigmoid", "LogSigmoid", "hard_sigmoid", "HardSigmoid")
_EXPECTED = "a softmax or log-softmax as the last layer, or scores without an activation"


def require_logits(
    activation: str | None, limits: Collection[str | None], kind: str, answers: NDArray[np.float64], where: str
) -> None:
    """Refuse independent sigmoids, a sparsemax, and probabilities or their logarithms that operations compute.

    Args:
        activation: softmax, log_softmax or sigmoid, where it can be replaced; else None.
        limits: the activations that the scores end in, by their names; None where they can be any number.
        kind: class of the last operation.
        answers: (N, classes), to inputs on which functions differ (`same_function.tries`).
        where: name of the model in messages.

    Raises:
        InputError: such scores.
    """
    if any(limit in _INDEPENDENT for limit in limits):
        found, expected = f"{answers.shape[1]} independent sigmoids", "scores of classes that exclude each other"
        found = found if len(limits) == 1 else "independent sigmoids for some of the classes"
        raise InputError.unexpected(where, found, f"{expected}: a softmax, or logits", callers_words.of_labels())
    if "sparsemax" in limits:
        raise InputError.unexpected(where, "a sparsemax at its end, whose probabilities of 0 have no logit", _EXPECTED)
    # Of a dense layer without an activation it would be chance; all equal are the scores of a layer without weights.
    free = kind == "Dense" and all(limit is None for limit in limits)
    if activation in ("softmax", "log_softmax") or free or not np.ptp(answers, axis=0).any():
        return
    require_unscaled(answers, where)
    if (answers >= 0).all() and (answers <= 1).all():
        found = "probabilities that are computed before the last layer (scores that are always from 0 to 1)"
        raise InputError.unexpected(where, found, _EXPECTED)
    if (answers <= 1e-6).all() and np.allclose(np.exp(answers).sum(1), 1, atol=1e-4):
        found = "logarithms of probabilities that are computed before the last layer"
        raise InputError.unexpected(where, found, _EXPECTED)


def require_unscaled(answers: NDArray[np.float64], where: str) -> None:
    """Refuse probabilities (N, classes) in another scale, such as per cent.

    Raises:
        InputError: no score is negative, and those of each input sum to the same number, which is not 1.
    """
    total = float(np.median(answers.sum(1)))
    same = np.allclose(answers.sum(1), total, rtol=1e-4)
    if (answers >= 0).all() and total > 0 and same and not np.isclose(total, 1, atol=1e-4) and answers.shape[1] > 1:
        found = f"scores that are never negative and sum to {total:.4g} for every input: probabilities in another scale"
        raise InputError.unexpected(where, found, _EXPECTED)


def require_no_scaled_probabilities(scaled: Mapping[str, Any], where: str, expected: str = _EXPECTED) -> None:
    """Refuse scores that are computed from probabilities by arithmetic: they are no logits.

    Args:
        scaled: from `value_ends.scaled_activations`.
        where: name of the model in messages.
        expected: what the model may end in.

    Raises:
        InputError: such scores; names the layer.
    """
    for activation, end in scaled.items():
        if value_ends.are_probabilities(activation):
            found = f'scores that arithmetic makes of the probabilities of the {activation} in "{end.name}"'
            raise InputError.unexpected(where, found, expected, "Leave the arithmetic out of the model.")
