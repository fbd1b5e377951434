"""Chosen examples with their explained targets, for views that explain a score."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.explain.shared import held_examples
from pellucid.views.base import ViewData
from pellucid.views.shared.maps import about_examples


def about_targets(data: ViewData, chosen: NDArray[np.int64]) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """Return the arrays of the chosen examples that a figure and a score need, and their held inputs.

    Returns:
        `about_examples` with the targets, and which values were measured where not all were; the values of the held
        inputs, a row for each example, by name. Inputs of numbers (n,) have an axis more, as methods take them.
    """
    examples = data.examples
    about = about_examples(data, chosen) | {"targets": examples["targets"][chosen]}
    if "measured" in examples:
        about["measured"] = held_examples.with_axis(examples["measured"][chosen])
    about["inputs"] = held_examples.with_axis(np.asarray(about["inputs"]))
    return about, {name: array[chosen] for name, array in held_examples.others(examples).items()}
