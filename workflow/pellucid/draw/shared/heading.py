"""What the figures of views write above an example."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray


def of_example(data_info: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], index: int) -> str:
    """The true class, what it was taken for where that is another, and the probability of the predicted class."""
    classes = data_info["classes"]
    label, predicted = int(arrays["labels"][index]), int(arrays["predictions"][index])
    p = arrays["probabilities"][index, predicted]
    return f"{classes[label]}{'' if label == predicted else f' → {classes[predicted]}'}, p = {p:.2f}"


def of_count(shown: int, total: int, what: str) -> str:
    """How many of how many are shown."""
    return f"{shown} of {total} {what}" if shown < total else f"all {total} {what}"
