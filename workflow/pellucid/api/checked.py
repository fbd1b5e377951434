"""Open the caller's model for the caller's examples, with what every function of the API checks first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pellucid.api import arrays, facts, several_inputs
from pellucid.api.opening import OpenedModel, Opening, open_model
from pellucid.api.own_function import raising
from pellucid.api.session import no_advice_on_tracing
from pellucid.errors import InputError
from pellucid.models.imported import callers_words, step_choice


def opening(
    task: str, code: str | None, at_steps: Any, *, allow_code: bool, seed: int, threads: int | None, memory_mb: int
) -> Opening:
    """Return how a model is opened; refuse a task that there is not, steps that no model has, and such numbers.

    Raises:
        InputError: names the argument.
    """
    facts.require_numbers(seed=seed, threads=1 if threads is None else threads, memory_mb=memory_mb)
    step_choice.check(at_steps, "at_steps")
    return Opening(allow_code, threads, memory_mb, task=facts.require_task(task), code=code, steps=at_steps)


def opened(
    model: Any, x: Any, explained: str | None, how: Opening, *, class_names: Any, **known: Any
) -> tuple[OpenedModel, facts.Data]:
    """Open the model for the examples, and check the examples (`facts.Data.of`)."""
    how = replace(how, class_names=None if class_names is None else facts.names(class_names, "class_names"))
    with no_advice_on_tracing(), callers_words.as_arguments():
        if isinstance(x, Mapping):
            explained, by_name = several_inputs.chosen(x, explained)
            from_caller = by_name[explained]
            model_ = several_inputs.open_several(model, by_name, explained, how)
        elif explained is not None:
            raise InputError.unexpected("x", "one array", "the arrays of all inputs by name, since input=… names one")
        else:
            from_caller = arrays.numbers(x, "x")
            model_ = open_model(model, from_caller, how)
        with raising(model_.failures):
            return model_, facts.Data.of(model_, x=from_caller, class_names=how.class_names, **known)
