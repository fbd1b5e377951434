"""What the figures of views write above an example."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from pellucid.datasets.base import UNLABELLED


def of_example(data_info: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], index: int) -> str:
    """The true class where it is known, what it was taken for, and the probability of the predicted class."""
    classes = data_info["classes"]
    label, predicted = int(arrays["labels"][index]), int(arrays["predictions"][index])
    p = arrays["probabilities"][index, predicted]
    if label == UNLABELLED:
        return f"taken for {classes[predicted]}, p = {p:.2f}"
    return f"{classes[label]}{'' if label == predicted else f' → {classes[predicted]}'}, p = {p:.2f}"


def of_count(shown: int, total: int, what: str) -> str:
    """How many of how many are shown."""
    return f"{shown} of {total} {what}" if shown < total else f"all {total} {what}"
