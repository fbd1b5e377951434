"""Describe the prepared data for figures, tracking and report: the content of `data.json`."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files
from pellucid.datasets.base import UNLABELLED, RawData
from pellucid.lazy_array import Array, blocks
from pellucid.prepare.split import SPLITS, Split, Splits
from pellucid.prepare.split_shares import per_output
from pellucid.tasks import REGRESSION, Task

logger = logging.getLogger(__name__)


def describe(raw: RawData, splits: Splits, spec: Any, *, divided: bool = True) -> dict[str, Any]:
    """Return what the data are, except for their scale and unit; log the notes about them.

    Args:
        raw: what the source gave.
        splits: scaled.
        spec: of the source.
        divided: whether the splits are different examples.
    """
    repeated = duplicates(splits, divided=divided)
    notes = [*raw.notes]
    if copies := repeated.get("test_in_train", 0):
        total = len(splits["test"].y)
        notes.append(
            f"{copies:,} of {total:,} test examples ({copies / total:.1%}) are exact copies of training examples."
        )
    for note in notes:
        logger.warning("%s", note)
    return {
        "title": spec.title,
        "kind": spec.kind,
        "licence": spec.licence,
        "citation": spec.citation,
        "homepage": spec.homepage,
        "task": raw.task,
        "classes": list(raw.classes),
        "channels": list(raw.channels),
        "sampling_rate_hz": raw.sampling_rate,
        "notes": notes,
        "groups": {name: sorted(set(group.tolist())) for name in SPLITS if (group := splits[name].group) is not None},
        "shape": list(raw.train.x.shape[1:]),
        "labelled": labelled(splits),
        # Counts of labels say nothing of the number of examples.
        "examples": {name: len(splits[name].y) for name in SPLITS},
        "counts": {name: _counts(splits[name].y, raw.classes, raw.task) for name in SPLITS},
        **_about_values(raw, splits["train"].y),
        "duplicates": repeated,
        "digest": files.digest({name: _content(splits[name]) for name in SPLITS}),
    }


def _content(split: Split) -> list[Any]:
    """Return what the digest of a split covers: the values of all inputs, and the labels."""
    if not split.others:
        return [split.x, split.y]
    return [split.x, split.y, {name: side.x for name, side in sorted(split.others.items())}]


def about_undivided(count: int, scale: str) -> list[str]:
    """Return what a reader must know of `count` examples that are not divided; each a sentence."""
    notes = [
        f"The {count:,} examples are not divided (split: none): they are the test examples. Where a method or a "
        "score needs training examples, it uses them too."
    ]
    if scale != "none":
        notes.append(
            "They are scaled by their own statistics. If a model was trained on data with other statistics, it now "
            "gets other values than in its training."
        )
    return notes


def labelled(splits: Splits) -> bool:
    """Return whether the examples have labels."""
    return not _are_unlabelled(splits["test"].y)


def _are_unlabelled(y: NDArray[Any]) -> bool:
    """Return whether no example has a label: a value of a regression may be -1, and stands in a column."""
    return bool(y.ndim == 1 and (y == UNLABELLED).all())


def _counts(y: NDArray[Any], classes: Sequence[str], task: Task) -> dict[str, int]:
    """Return the number of examples of each class, or with each label; of examples without labels it is not known."""
    if task == REGRESSION or _are_unlabelled(y):
        return {}
    return dict(zip(classes, per_output(y, len(classes), task).tolist(), strict=True))


def _about_values(raw: RawData, y: NDArray[Any]) -> dict[str, Any]:
    """Return units and statistics of the values (N, values) of the training examples; nothing for other tasks."""
    if raw.task != REGRESSION:
        return {}
    units = {"units": list(raw.units or ("",) * len(raw.classes))}
    if _are_unlabelled(y):
        return units
    statistics = {
        name: {
            "mean": float(column.mean()),
            "sd": float(column.std()),
            "min": float(column.min()),
            "max": float(column.max()),
        }
        for name, column in zip(raw.classes, y.T.astype(np.float64), strict=True)
    }
    return {**units, "value_statistics": statistics}


def duplicates(splits: Splits, *, divided: bool = True) -> dict[str, int]:
    """Count the examples that occur again, byte for byte: within a split, and in another split."""
    if not divided:
        prints = _fingerprints_of(splits["test"])
        return {"within_test": len(prints) - len(np.unique(prints))}
    rows = {name: _fingerprints_of(split) for name, split in splits.items()}
    unique = {name: np.unique(prints) for name, prints in rows.items()}
    counts = {f"within_{name}": len(rows[name]) - len(unique[name]) for name in SPLITS}
    for name, other in (("validation", "train"), ("test", "train"), ("test", "validation")):
        counts[f"{name}_in_{other}"] = int(np.isin(rows[name], unique[other]).sum())
    return counts


def _fingerprints_of(split: Split) -> NDArray[np.void]:
    """Return a digest of each example's bytes, those of all inputs together."""
    prints = fingerprints(split.x)
    if not split.others:
        return prints
    parts = [prints, *(fingerprints(side.x) for _, side in sorted(split.others.items()))]
    return fingerprints(np.stack([part.view(np.uint8).reshape(len(part), -1) for part in parts], axis=1))


def fingerprints(x: Array) -> NDArray[np.void]:
    """Return a 128-bit digest of each example's bytes, (N,).

    The chance that two different examples of 10 million share a digest is 10⁻²⁵.
    """
    digests = [
        hashlib.blake2b(row.data, digest_size=16).digest()
        for block in blocks(x)
        for row in block.reshape(len(block), -1)
    ]
    return np.frombuffer(b"".join(digests), "V16")
