"""The task of an experiment, which its data source tells before any data are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid import plugins


def task_of(experiment: Mapping[str, Any]) -> str:
    """Return the task (`tasks.py`) of a complete experiment."""
    source = plugins.load("datasets")[experiment["dataset"]["source"]]
    task: str = plugins.hook(source, "task")(**plugins.own_parameters(experiment["dataset"], source))
    return task
