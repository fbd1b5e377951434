"""What the caller asks to be explained of each example: an output of the model, or one output minus another."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.api import arrays
from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean
from pellucid.targets import are_valid, contrasts, split
from pellucid.tasks import MULTI_LABEL, OUTPUT_WORD, OUTPUT_WORDS, REGRESSION

logger = logging.getLogger(__name__)

_KEYWORDS = ("predicted", "label")
_CONTRAST = {"why", "not"}


def targets(
    target: Any, labels: NDArray[np.int64] | None, logits: NDArray[Any], names: Sequence[str], task: str
) -> NDArray[np.int64]:
    """Return the target of each example (`pellucid.targets`), (N,).

    Args:
        target: see `pellucid.explain`.
        labels: (N,) the true classes; None where they are not known, or the task has none.
        logits: (N, outputs).
        names: of the outputs.
        task: of the model.

    Raises:
        InputError: the labels are needed and missing, the model has no such output, the task needs a name, or an
            example would contrast an output with itself.
    """
    if not isinstance(target, Mapping):
        return _outputs(target, "target", labels, logits, names, task)
    if set(target) != _CONTRAST:
        raise InputError.unexpected("target", abbreviate(target), '{"why": …, "not": …}, or one output')
    why, other = (_outputs(target[key], f'target["{key}"]', labels, logits, names, task) for key in ("why", "not"))
    for key, outputs in (("why", why), ("not", other)):
        if (split(outputs)[1] >= 0).any():
            raise InputError.unexpected(f'target["{key}"]', "a contrast", "an output of the model")
    if (equal := np.flatnonzero(why == other)).size:
        name = abbreviate(str(names[why[equal[0]]]))
        problem = f"example {equal[0]} would contrast {name} with itself, which is 0 for every input."
        raise InputError("target", problem, "Ask for two different ones, or leave such examples out.")
    return contrasts(why, other)


def _outputs(
    target: Any,
    where: str,
    labels: NDArray[np.int64] | None,
    logits: NDArray[Any],
    names: Sequence[str],
    task: str,
) -> NDArray[np.int64]:
    """Return the output that a word, a name, a number or a list of these asks for, of each example: (N,)."""
    n = len(logits)
    if isinstance(target, str) and target in _KEYWORDS:
        if target in names:
            logger.warning(
                '%s: "%s" means the %s %s of each example, not the %s of this name, whose number is %d',
                *(where, target, target, OUTPUT_WORD[task], OUTPUT_WORD[task], list(names).index(target)),
            )
        return _by_keyword(target, where, labels, logits, names, task)
    if isinstance(target, str) and target not in names:
        known = [*_KEYWORDS, *names]
        listed = arrays.listed(known)
        raise InputError.unexpected(
            where, abbreviate(target), f"one of {listed}, or a number", did_you_mean(target, known).strip()
        )
    if np.ndim(target) == 0:
        value = target.item() if isinstance(target, (np.ndarray, np.generic)) else target
        if isinstance(value, int) and not isinstance(value, bool) and _is_contrast(np.array([value]), len(names)):
            return np.full(n, value, np.int64)
        chosen = arrays.single(value, where, names, OUTPUT_WORD[task])
        arrays.tell_of_numbers([value], where, names, OUTPUT_WORD[task])
        return np.full(n, chosen, np.int64)
    # The targets of an earlier explanation, perhaps contrasts.
    codes = np.asarray(target) if isinstance(target, np.ndarray) else np.empty(0)
    if codes.shape == (n,) and codes.dtype.kind in "iu" and _is_contrast(codes, len(names)):
        return codes.astype(np.int64)
    return arrays.classes(target, where, n, names, word=OUTPUT_WORD[task])


def _by_keyword(
    target: str, where: str, labels: NDArray[np.int64] | None, logits: NDArray[Any], names: Sequence[str], task: str
) -> NDArray[np.int64]:
    """Return the predicted output, or the true class, of each example: (N,)."""
    if task == REGRESSION and len(names) > 1:
        problem = f'"{target}" does not say which of the values {comma_list(map(str, names[:20]))}.'
        raise InputError(where, problem, f"Name one, such as {abbreviate(str(names[0]))}.")
    if task == REGRESSION:
        return np.zeros(len(logits), np.int64)
    if target == "predicted":
        predicted: NDArray[np.int64] = logits.argmax(1)
        return predicted
    if task == MULTI_LABEL:
        problem = '"label" does not say which: an example may have several labels, or none.'
        raise InputError(
            where, problem, f"Name one, such as {abbreviate(str(names[0]))}; predicted: the most probable."
        )
    if labels is None:
        raise InputError(where, '"label" needs the true classes.', "Pass them: y=….")
    return labels


def _is_contrast(codes: NDArray[Any], n_outputs: int) -> bool:
    """Return whether all codes are targets of the model, and one of them is a contrast."""
    wide = codes.astype(np.int64)
    return are_valid(wide, n_outputs) and bool((split(wide)[1] >= 0).any())


def count(targets_: NDArray[np.int64], task: str) -> str:
    """Return how many different targets are explained, in words: "3 classes", "1 contrast"."""
    different = np.unique(targets_)
    if (split(different)[1] >= 0).any():
        return f"{len(different)} contrast{'s' if len(different) > 1 else ''}"
    return f"{len(different)} {OUTPUT_WORDS[task]}"
