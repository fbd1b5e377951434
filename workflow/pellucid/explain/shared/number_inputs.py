"""Explain an input of numbers, (n,): each is a feature of its own, and has no neighbours.

Methods treat the numbers as positions of an axis. So windows and segments are single numbers. Everything that mixes
positions (means over them, noise of their range, masks that blend neighbours) is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid import plugins
from pellucid.config.variants import TIME, domain_of
from pellucid.errors import InputError

# Baselines of methods and scores that take a number from nothing but itself, or from another example.
_OWN = ("zero", "other")


def is_numbers(shape: Any) -> bool:
    """Return whether examples of this shape are numbers, as `data.json` states it: (n,)."""
    return len(shape) == 1


def require_fitting(method: str, parameters: Mapping[str, Any]) -> None:
    """Refuse a method, or a partition into segments, that has no meaning for numbers.

    Raises:
        InputError: names methods that have one.
    """
    if not plugins.spec("explain", method).of_numbers:
        problem = "it does not fit an input of numbers, which have no neighbours: it mixes values or blends neighbours."
        raise InputError(method, problem, "Use occlusion, kernel_shap or integrated_gradients.")
    if (partition := parameters.get("partition", "grid")) != "grid":
        found = f"{partition} of an input of numbers, which have no neighbours"
        raise InputError.unexpected(f"{method}.partition", found, "grid, whose segments are single numbers")


def of_method(method: str, parameters: Mapping[str, Any], n: int) -> dict[str, Any]:
    """Return the parameters of a method with windows and segments of single numbers where they are auto.

    Raises:
        InputError: the method, its partition or its baseline has no meaning for numbers.
    """
    require_fitting(method, parameters)
    if (domain := domain_of(parameters)) != TIME:
        found = f"{domain} of an input of numbers, which have no frequencies"
        raise InputError.unexpected(f"{method}.domain", found, TIME)
    values = dict(parameters)
    if values.get("window") == "auto":
        values |= {"window": 1, "stride": 1}
    if values.get("segments") == "auto":
        values["segments"] = n
    if (baseline := values.get("baseline", "zero")) not in _OWN:
        found = f"{baseline}, which mixes the numbers of an example"
        raise InputError.unexpected(
            f"{method}.baseline", found, "zero: the mean of the training set, if they are scaled"
        )
    return values


def of_score(score: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a score with windows of single numbers, and without baselines that mix the numbers.

    Raises:
        InputError: no baseline is left.
    """
    values = dict(parameters)
    if values.get("window") == "auto":
        values["window"] = 1
    if "baselines" in values:
        values["baselines"] = [kind for kind in values["baselines"] if kind in _OWN]
        if not values["baselines"]:
            raise InputError.unexpected(f"{score}.baselines", "none that fits numbers", "zero or other")
    return values
