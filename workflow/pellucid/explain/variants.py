"""The runs that one method's entry in the config asks for."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from pellucid.errors import InputError
from pellucid.words import in_file_name


def variants(method: str, parameters: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The runs that one method's entry asks for: one, or one per combination of the values under `sweep`.

    Returns:
        Parameters by label: the method's name, or e.g. "occlusion.window=15". Labels are names of files.

    Raises:
        InputError: two values would have one label.
    """
    fixed = {key: value for key, value in parameters.items() if key != "sweep"}
    sweep: Mapping[str, list[Any]] = parameters.get("sweep") or {}
    runs = {}
    for values in itertools.product(*sweep.values()):
        chosen = dict(zip(sweep, values, strict=True))
        label = ".".join([method, *(f"{key}={_label(value)}" for key, value in chosen.items())])
        if label in runs:
            raise InputError(
                f"sweep of {method}",
                f"two combinations of values that would both be named {label}",
                "each value once, and values that differ in more than punctuation",
            )
        runs[label] = {**fixed, **chosen}
    return runs


def method_of(label: str) -> str:
    """The method of a label that `variants` gives."""
    return label.split(".")[0]


def _label(value: Any) -> str:
    return in_file_name("x".join(str(part) for part in value) if isinstance(value, list) else str(value))
