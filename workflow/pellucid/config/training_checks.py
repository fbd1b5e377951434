"""The `training` entry of an experiment: completed, and checked where one key depends on another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid.config import schema_errors
from pellucid.messages import comma_list

# The kinds of data that each augmentation changes, in the order in which augmentations are applied: noise comes last,
# so that no interpolation smooths it.
AUGMENTATION_KINDS: dict[str, tuple[str, ...]] = {
    "time_warp": ("series",),
    "rotation": ("image",),
    "flip": ("image",),
    "shift": ("series", "image"),
    "scale": ("series",),
    "brightness": ("image",),
    "jitter": ("series", "image"),
}


def complete(training: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a `training` entry in which every absent key has its default."""
    declared = schema_errors.of_config()["$defs"]["settings"]["properties"]["training"]
    completed: dict[str, Any] = schema_errors.with_defaults(dict(training), declared)
    return completed


def active_augmentations(augmentation: Mapping[str, Any]) -> dict[str, Any]:
    """Return the augmentations that are on with their strengths, in the order in which they are applied."""
    return {name: augmentation[name] for name in AUGMENTATION_KINDS if augmentation[name] not in (0, "none")}


def faults(training: Mapping[str, Any], kind: str, path: str) -> list[str]:
    """Return the faults of a `training` entry whose keys contradict each other or the kind of data.

    Args:
        training: complete; each value is right by itself.
        kind: of the data: "series" or "image".
        path: the key under which the entry stands.
    """
    messages = []
    warmup, epochs = training["warmup_epochs"], training["epochs"]
    # A training without epochs has no steps to warm up for.
    if epochs and warmup >= epochs:
        messages.append(f"{path}.warmup_epochs: found {warmup}; expected fewer than the {epochs} epochs.")
    if training["weight_decay"] and training["optimizer"] == "adam":
        messages.append(
            f"{path}.weight_decay: found {training['weight_decay']}, and the optimizer adam; expected 0, or adamw, "
            "which is Adam with weight decay."
        )
    for name in active_augmentations(training["augmentation"]):
        if kind not in (kinds := AUGMENTATION_KINDS[name]):
            fitting = [other for other, fits in AUGMENTATION_KINDS.items() if kind in fits]
            messages.append(
                f"{path}.augmentation.{name}: found a transformation of {comma_list(kinds)} data; expected one "
                f"for {kind} data: {comma_list(fitting)}."
            )
    return messages
