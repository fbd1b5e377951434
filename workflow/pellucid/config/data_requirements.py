"""What an experiment asks of its data by name, checked as soon as the data are read: before a model is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pellucid.config import schema_errors, target_checks
from pellucid.config.resolution import resolve
from pellucid.errors import InputError, one_line


def require_names(content: Mapping[str, Any], name: str, classes: Sequence[str], task: str) -> None:
    """Refuse an `examples.target` that names a class, label or value which the data do not have.

    Args:
        content: the configuration, as Snakemake hands it to a job: with what the rules added for the report.
        name: of the experiment.
        classes: names of the model's outputs.
        task: of the data.

    Raises:
        InputError: there is no such name.
    """
    written = {key: value for key, value in content.items() if key in schema_errors.of_config()["properties"]}
    target = resolve({**written, "run": [name]}).experiments[name]["examples"]["target"]
    if faults := target_checks.unknown_names(target, list(map(str, classes)), f"experiments.{name}", task):
        where, _, problem = one_line(faults[0]).partition(": ")
        raise InputError(where, problem, "")
