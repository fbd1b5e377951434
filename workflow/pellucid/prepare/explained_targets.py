"""What is explained of each example: an output of the model, or one output minus another (`targets.py`)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.config.target_checks import KEYWORDS
from pellucid.datasets.base import UNLABELLED
from pellucid.errors import InputError
from pellucid.messages import MANY_CLASSES, abbreviate, comma_list, did_you_mean
from pellucid.targets import contrast
from pellucid.tasks import MULTI_LABEL, OUTPUT_WORDS, SINGLE_LABEL

logger = logging.getLogger(__name__)

_WHERE = "examples.target"
# A value of examples.target: predicted, true, a name, {class: name}, {why: predicted, true or a name, not: name}.
Target = str | int | Mapping[str, str | int]


def targets(
    target: Target,
    classes: Sequence[str],
    labels: NDArray[np.int64],
    logits: NDArray[Any],
    task: str = SINGLE_LABEL,
) -> NDArray[np.int64]:
    """Return what to explain of each example, (N,): see `targets.py`.

    Args:
        target: `examples.target`.
        classes: names of the outputs.
        labels: (N,) the output that each example stands for, UNLABELLED where that is not known.
        logits: (N, outputs).
        task: see `tasks.py`.

    Raises:
        InputError: `target` is neither predicted nor true nor a name, an example contrasts an output with itself, or a
            regression with several values has examples without labels and no name of a value.
    """
    if not (isinstance(target, Mapping) and "why" in target):
        return _why(target, classes, labels, logits, task, _WHERE)
    why = _why(target["why"], classes, labels, logits, task, f"{_WHERE}.why")
    other = _index(str(target["not"]), classes, f"{_WHERE}.not", task)
    if (why == other).any():
        raise InputError(
            _WHERE,
            f"{int((why == other).sum())} of the examples would contrast {abbreviate(classes[other])} with itself.",
            "Name two different ones.",
        )
    codes = {index: contrast(index, other) for index in np.unique(why).tolist()}
    return np.array([codes[index] for index in why.tolist()], np.int64)


def contrasted(
    target: Target, classes: Sequence[str], labels: NDArray[np.int64], logits: NDArray[Any], task: str
) -> NDArray[np.bool_]:
    """Return which examples (N,) may be explained: those whose contrast has two different outputs.

    `{why: predicted, not: NORM}` asks nothing of an example that is predicted NORM: such examples are left out.

    Raises:
        InputError: as `targets`.
    """
    if not (isinstance(target, Mapping) and "why" in target):
        return np.ones(len(labels), bool)
    why = _why(target["why"], classes, labels, logits, task, f"{_WHERE}.why")
    fits: NDArray[np.bool_] = why != _index(str(target["not"]), classes, f"{_WHERE}.not", task)
    return fits


def _why(
    target: Target, classes: Sequence[str], labels: NDArray[np.int64], logits: NDArray[Any], task: str, where: str
) -> NDArray[np.int64]:
    """Return the explained output of each example, without the subtracted one: (N,)."""
    keyword = not isinstance(target, Mapping)
    name = str(target["class"] if isinstance(target, Mapping) else target)
    if not keyword or name not in KEYWORDS:
        return np.full(len(labels), _index(name, classes, where, task, KEYWORDS if keyword else ()), np.int64)
    if name in classes:
        logger.info(
            'examples.target: "%s" means the %s class of each example, not the class of this name; for this '
            "class write {class: %s}",
            *(name, name, name),
        )
    if task == SINGLE_LABEL:
        predicted: NDArray[np.int64] = logits.argmax(1)
        return predicted if name == "predicted" else labels
    if (labels != UNLABELLED).all():
        return labels
    if task == MULTI_LABEL:
        # Nobody chose a label for an example without labels: the most probable one stands for it.
        return np.asarray(logits.argmax(1), np.int64)
    if len(classes) > 1:
        raise InputError.unexpected(
            where, f'"{name}", and examples without labels', f"the name of one of the values {comma_list(classes)}"
        )
    return np.zeros(len(labels), np.int64)


def _index(name: str, classes: Sequence[str], where: str, task: str, keywords: Sequence[str] = ()) -> int:
    """Return the output with this name.

    Raises:
        InputError: there is none.
    """
    if name in classes:
        return list(classes).index(name)
    names = [*keywords, *classes]
    expected = comma_list(names[: MANY_CLASSES + len(KEYWORDS)])
    if len(classes) > MANY_CLASSES:
        expected += f", … ({len(classes):,} {OUTPUT_WORDS[task]})"
    raise InputError.unexpected(where, abbreviate(name), f"one of {expected}", did_you_mean(name, names).strip())
