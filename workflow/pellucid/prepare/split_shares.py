"""Compare the shares of the splits with those asked for: whole groups and small classes never match exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid.tasks import REGRESSION, SINGLE_LABEL, Task


class Side(Protocol):
    """The fields of a split that are counted."""

    y: NDArray[Any]
    group: NDArray[np.str_] | None


def per_output(y: NDArray[Any], outputs: int, task: Task) -> NDArray[np.int64]:
    """Return the number of examples of each class, or with each label, (outputs,); none for a regression."""
    if task == REGRESSION:
        return np.zeros(0, np.int64)
    return np.bincount(y, minlength=outputs) if y.ndim == 1 else y.sum(0, np.int64)


def reached(
    splits: Mapping[str, Any],
    classes: Sequence[str],
    split: Mapping[str, Any] | str,
    *,
    own_test: bool,
    own_validation: bool = False,
    task: Task = SINGLE_LABEL,
) -> dict[str, Any]:
    """Return asked and reached shares of the examples, the reached shares of each class, and the number of groups.

    Shares of validation refer to the training examples before validation is taken from them.

    Args:
        splits: by name, the examples with their labels and groups.
        classes: names.
        split: the experiment's `split` entry; "none" has no shares.
        task: of the labels.
        own_test: whether the source has a test set; it then has no share asked for, unless with folds.
        own_validation: whether it has a validation set; likewise.
    """
    if isinstance(split, str):
        return {"none": True, "by_group": False}
    sides: dict[str, Side] = dict(splits)
    counts = {name: per_output(side.y, len(classes), task) for name, side in sides.items()}
    sizes = {name: len(side.y) for name, side in sides.items()}
    folds = split.get("folds")
    asked = {} if own_test and folds is None else {"test": 1 / folds if folds is not None else split["test"]}
    if not own_validation or folds is not None:
        asked["validation"] = split["validation"]
    by_group = bool(split.get("by_group", True)) and sides["train"].group is not None
    shares: dict[str, Any] = {"by_group": by_group}
    for name, share in asked.items():
        parts = (name, "train", *(("validation",) if name == "test" else ()))
        whole = np.sum([counts[part] for part in parts], 0)
        shares[name] = {
            "share_asked": float(share),
            "share": sizes[name] / sum(sizes[part] for part in parts),
            # A class without examples has no share; nor has a value of a regression.
            "share_of_class": {
                label: float(count / total) if total else None
                for label, count, total in zip(() if task == REGRESSION else classes, counts[name], whole, strict=True)
            },
        }
        if by_group:
            shares[name]["groups"] = len(np.unique(np.asarray(sides[name].group)))
    return shares


def line(shares: Mapping[str, Any]) -> str:
    """Return reached and asked shares of whole groups as one line."""
    texts = []
    for name in ("test", "validation"):
        if side := shares.get(name):
            of_class = [share for share in side["share_of_class"].values() if share is not None]
            spread = f", {min(of_class):.0%} to {max(of_class):.0%} of each class" if of_class else ""
            texts.append(
                f"{name} {side['share']:.1%} of the examples ({side['share_asked']:.1%} asked for), "
                f"{side['groups']} group(s){spread}"
            )
    return "; ".join(texts)
