"""What a user may write for `steps`, and which steps of an output (N, T, C) that means."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from pellucid.errors import InputError
from pellucid.messages import abbreviate, format_shape
from pellucid.models.imported import callers_words
from pellucid.network.explained_steps import ExplainedSteps

logger = logging.getLogger(__name__)

# What a caller may write, in words: `SPELLED`.
Steps = Literal["last"] | int | Sequence[int]
_Position = Annotated[int, Field(ge=0, le=1_000_000_000)]
StepsKey = Annotated[
    Literal["last"] | _Position | Annotated[Sequence[_Position], Field(min_length=2, max_length=2)] | None,
    Field(
        description="for a model with a score per class at every time step, (N, T, C): the step of its output that is "
        "explained. last, a position from 0 such as 12, or a window such as [20, 40] (first, and one past the last); "
        "for a window, the mean of its logits is explained"
    ),
]
SPELLED = "last, a position from 0 such as 12, or a window such as [20, 40] (first, and one past the last)"


def check(steps: Any, key: str = "steps") -> None:
    """Refuse steps that no model can have; the number of its steps is not needed.

    Raises:
        InputError: a text, a negative position, a window that is empty or reversed, or another kind of value.
    """
    if steps is None or (isinstance(steps, str) and steps == "last"):
        return
    if _is_whole(steps):
        if steps < 0:
            hint = "Positions count from 0; last is the last step."
            raise InputError.unexpected(key, str(steps), SPELLED, hint)
        return
    listed = list(steps) if isinstance(steps, list | tuple | np.ndarray) else []
    if len(listed) != 2 or not all(_is_whole(value) for value in listed):
        raise InputError.unexpected(key, abbreviate(steps), SPELLED)
    first, stop = listed
    if first < 0:
        raise InputError.unexpected(key, f"[{first}, {stop}]", "a window that starts at 0 or later")
    if first >= stop:
        kind = "empty" if first == stop else "reversed"
        hint = f"[{first}, {first + 1}] is step {first} alone."
        raise InputError.unexpected(key, f"the {kind} window [{first}, {stop}]", "first < one past the last", hint)


def resolved(steps: Steps, shape: Sequence[int | None], where: str, input_steps: int | None = None) -> ExplainedSteps:
    """Return the steps that are meant of an output of a shape.

    Args:
        steps: as `check` allows.
        shape: of the output for one example, which should be (T, C).
        where: name of the model in messages.
        input_steps: number of time steps of the input, if that is known.

    Raises:
        InputError: the model has no output per step, or the steps are outside of it.
    """
    check(steps, callers_words.steps_key())
    if len(shape) != 2:
        output = f"an output of shape {format_shape(shape) or '()'} for one example"
        found = f"{callers_words.steps(_written(steps))}, and {output}"
        more = (
            "Only (time, outputs) has steps."
            if len(shape) > 2
            else f"Leave {callers_words.steps_key()} out: it has no output per step."
        )
        raise InputError.unexpected(where, found, "a model with a score per class at every step, (N, T, C)", more)
    if shape[0] is None or shape[1] is None:
        found = f"an output of shape {format_shape(shape)}, whose number of steps or outputs is open"
        raise InputError.unexpected(where, found, "sizes that follow from the shape of the input")
    total = int(shape[0])
    if isinstance(steps, str):
        first, stop = total - 1, total
    elif _is_whole(steps):
        first, stop = int(steps), int(steps) + 1  # type: ignore[arg-type]
    else:
        first, stop = (int(value) for value in steps)  # type: ignore[union-attr]
    if stop > total:
        expected = f"steps from 0 to {total - 1}: its output has {total}"
        raise InputError.unexpected(where, callers_words.steps(_written(steps)), expected, _strided(total, input_steps))
    if input_steps not in (None, total):
        logger.info("steps: %s. %s", _written(steps), _strided(total, input_steps))
    return ExplainedSteps(first, stop, total)


def require_none(shape: Sequence[int | None], where: str) -> None:
    """Refuse an output (N, T, C) of which no steps are chosen.

    Raises:
        InputError: names the key and T.
    """
    if len(shape) != 2:
        return
    total = "its" if shape[0] is None else shape[0]
    raise InputError.unexpected(
        where,
        f"an output of shape {format_shape(shape)} for one example: scores at each of {total} time steps",
        f"{callers_words.steps_key()}, which says at which step the model is explained",
        f"{callers_words.steps_key()}: {SPELLED}.",
    )


def _strided(total: int, input_steps: int | None) -> str:
    if input_steps is None or input_steps == total:
        return ""
    return f"Steps are counted in the {total} of the output, not in the {input_steps} of the input."


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _written(steps: Any) -> str:
    return (
        f"[{', '.join(str(value) for value in steps)}]" if isinstance(steps, list | tuple | np.ndarray) else str(steps)
    )
