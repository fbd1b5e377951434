"""What the splits came to: whole groups and small classes meet no share exactly, and `data.json` says what they met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Side(Protocol):
    """One split, as far as it is counted here."""

    y: NDArray[np.int64]
    group: NDArray[np.str_] | None


def reached(
    splits: Mapping[str, Any], classes: Sequence[str], split: Mapping[str, Any], *, own_test: bool
) -> dict[str, Any]:
    """Return what was asked for and what was reached: the share of all examples and of each class, and the groups.

    Shares of validation are of the training examples before it is taken from them, as they are asked for.

    Args:
        splits: by name, the examples with their labels and groups.
        classes: names.
        split: the experiment's `split` entry.
        own_test: whether the source has a test set, which is of no share unless folds set it aside.
    """
    sides: dict[str, Side] = dict(splits)
    counts = {name: np.bincount(side.y, minlength=len(classes)) for name, side in sides.items()}
    folds = split.get("folds")
    asked = {} if own_test and folds is None else {"test": 1 / folds if folds is not None else split["test"]}
    asked["validation"] = split["validation"]
    by_group = bool(split.get("by_group", True)) and sides["train"].group is not None
    found: dict[str, Any] = {"by_group": by_group}
    for name, share in asked.items():
        whole = counts[name] + counts["train"] + (counts["validation"] if name == "test" else 0)
        found[name] = {
            "share_asked": float(share),
            "share": float(counts[name].sum() / whole.sum()),
            # A class that none of these examples has, has no share.
            "share_of_class": {
                label: float(count / total) if total else None
                for label, count, total in zip(classes, counts[name], whole, strict=True)
            },
        }
        if by_group:
            found[name]["groups"] = len(np.unique(np.asarray(sides[name].group)))
    return found


def line(shares: Mapping[str, Any]) -> str:
    """Return the shares that whole groups reached beside those asked for, as one line."""
    told = []
    for name in ("test", "validation"):
        if part := shares.get(name):
            of_class = [share for share in part["share_of_class"].values() if share is not None]
            told.append(
                f"{name} {part['share']:.1%} of the examples ({part['share_asked']:.1%} asked for), "
                f"{part['groups']} group(s), {min(of_class):.0%} to {max(of_class):.0%} of each class"
            )
    return "; ".join(told)
