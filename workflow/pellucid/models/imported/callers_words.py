"""Write a setting in a message as the caller does: as a key of `config.yaml`, or as an argument of `explain`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pellucid.tasks import MULTI_LABEL

_AS_ARGUMENTS: ContextVar[bool] = ContextVar("as_arguments", default=False)


@contextmanager
def as_arguments() -> Iterator[None]:
    """Write settings as arguments of Python in the `with` block."""
    token = _AS_ARGUMENTS.set(True)
    try:
        yield
    finally:
        _AS_ARGUMENTS.reset(token)


def task(name: str) -> str:
    """Return how a caller says that the data are of a task."""
    return f'task="{name}"' if _AS_ARGUMENTS.get() else f"dataset.task: {name}"


def of_labels() -> str:
    """Return advice about a model of independent sigmoids."""
    return f"Such a model fits data in which an example may have several labels: {task(MULTI_LABEL)}."


def steps(written: str) -> str:
    """Return how a caller chooses steps, which are written as text."""
    if not _AS_ARGUMENTS.get():
        return f"steps: {written}"
    return f'at_steps="{written}"' if written == "last" else f"at_steps={written}"


def steps_key() -> str:
    """Return the name under which a caller chooses steps."""
    return "at_steps" if _AS_ARGUMENTS.get() else "steps"
