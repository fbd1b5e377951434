"""Return the variants of a method: the parameters of each run that its entry in the configuration asks for."""

from __future__ import annotations

import itertools
import math
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from pellucid.errors import InputError
from pellucid.messages import format_shape
from pellucid.user_text import in_file_name

LIMIT = 200  # combinations of one sweep
LONGEST = 200  # bytes of a label: file systems take 255, and file names add to it
TIME = "time"  # the domain in which a map has the shape of the input
# Parameters that matter for one value of another one alone, where a method has that one.
ONLY_WITH = {
    "frame": ("domain", "stft"),
    "bands": ("domain", "bands"),
    "compactness": ("partition", "superpixels"),
    "window": ("partition", "windows"),
}


def variants(method: str, parameters: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the parameters of each run of a method: one run, or one per combination of the values under `sweep`.

    Returns:
        Parameters by label: the method's name, or e.g. "occlusion.window=15". Labels are names of files.

    Raises:
        InputError: more than 200 combinations, a label that is too long, or two combinations with one label.
    """
    fixed = {key: value for key, value in parameters.items() if key != "sweep"}
    sweep: Mapping[str, list[Any]] = parameters.get("sweep") or {}
    if (count := math.prod(map(len, sweep.values()))) > LIMIT:
        sizes = format_shape(map(len, sweep.values()))
        raise InputError.unexpected(
            f"sweep of {method}", f"{sizes} = {count:,} combinations of values", f"at most {LIMIT}"
        )
    runs: dict[str, dict[str, Any]] = {}
    names = set()
    for values in itertools.product(*sweep.values()):
        swept = dict(zip(sweep, values, strict=True))
        label = ".".join([method, *(f"{key}={_label(value)}" for key, value in swept.items())])
        if len(label.encode()) > LONGEST:
            raise InputError.unexpected(
                f"sweep of {method}", f"values whose label would be {label}", "shorter or fewer values"
            )
        # For some file systems, capital and small letters are the same, and so are both ways to write an accent.
        if (name := unicodedata.normalize("NFC", label).casefold()) in names:
            raise InputError.unexpected(
                f"sweep of {method}",
                f"two combinations of values that would both be named {label}",
                "each value once, and values that differ in more than punctuation and capitals",
            )
        names.add(name)
        runs[label] = {**fixed, **swept}
    return runs


def method_of(label: str) -> str:
    """Return the method of a label from `variants`."""
    return label.split(".")[0]


def domain_of(parameters: Mapping[str, Any]) -> str:
    """Return the domain of one variant's maps: time for every method without a parameter `domain`."""
    return str(parameters.get("domain", TIME))


def variants_in_time(method: str, parameters: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the variants of a method whose maps have the shape of the input (`explain/shared/domains.py`)."""
    return {label: run for label, run in variants(method, parameters).items() if domain_of(run) == TIME}


def in_words(parameters: Mapping[str, Any], written: Callable[[str], str] = str) -> str:
    """Return the parameters of one variant for a caption, without those that have no effect beside the others.

    Args:
        parameters: of the variant.
        written: how a value is written.
    """
    unused = without_effect(parameters) | ({"domain"} if domain_of(parameters) == TIME else set())
    return ", ".join(f"{name} {written(str(value))}" for name, value in parameters.items() if name not in unused)


def without_effect(parameters: Mapping[str, Any]) -> set[str]:
    """Return the names of parameters of one variant that have no effect beside the values of the others."""
    unused = {name for name, (key, needed) in ONLY_WITH.items() if parameters.get(key, needed) != needed}
    return unused | ({"segments"} if parameters.get("partition") == "windows" else set())


def _label(value: Any) -> str:
    return in_file_name("x".join(str(part) for part in value) if isinstance(value, list) else str(value))
