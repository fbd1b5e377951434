"""The `split` entry of an experiment, checked against what depends on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def faults(experiment: Mapping[str, Any], path: str) -> list[str]:
    """Return the fault of a fold that is not there, or of a training without a split."""
    split, epochs = experiment["split"], experiment["training"]["epochs"]
    if split == "none":
        if not epochs:
            return []
        return [
            f"{path}.split: found none, and {epochs} epochs of training; expected shares, or training.epochs: 0 for a "
            "model that is taken as it is."
        ]
    if split["fold"] < split.get("folds", 1):
        return []
    if "folds" not in split:
        return [f"{path}.split.fold: found {split['fold']}, and no folds; expected folds beside it."]
    return [f"{path}.split.fold: found {split['fold']}; expected a number from 0 to {split['folds'] - 1}."]
