"""Describe the prepared data for figures, tracking and report: the content of `data.json`."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files
from pellucid.datasets.base import RawData
from pellucid.lazy_array import Array, blocks
from pellucid.prepare.split import SPLITS, Splits

logger = logging.getLogger(__name__)


def describe(raw: RawData, splits: Splits, spec: Any) -> dict[str, Any]:
    """Return what the data are, except for their scale and unit; log the notes about them.

    Args:
        raw: what the source gave.
        splits: scaled.
        spec: of the source.
    """
    repeated = duplicates(splits)
    notes = [*raw.notes]
    if copies := repeated["test_in_train"]:
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
        "classes": list(raw.classes),
        "channels": list(raw.channels),
        "sampling_rate_hz": raw.sampling_rate,
        "notes": notes,
        "groups": {name: sorted(set(group.tolist())) for name in SPLITS if (group := splits[name].group) is not None},
        "shape": list(raw.train.x.shape[1:]),
        "counts": {
            name: dict(zip(raw.classes, np.bincount(splits[name].y, minlength=len(raw.classes)).tolist(), strict=True))
            for name in SPLITS
        },
        "duplicates": repeated,
        "digest": files.digest({name: [splits[name].x, splits[name].y] for name in SPLITS}),
    }


def duplicates(splits: Splits) -> dict[str, int]:
    """Count the examples that occur again, byte for byte: within a split, and in another split."""
    rows = {name: fingerprints(split.x) for name, split in splits.items()}
    unique = {name: np.unique(prints) for name, prints in rows.items()}
    counts = {f"within_{name}": len(rows[name]) - len(unique[name]) for name in SPLITS}
    for name, other in (("validation", "train"), ("test", "train"), ("test", "validation")):
        counts[f"{name}_in_{other}"] = int(np.isin(rows[name], unique[other]).sum())
    return counts


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
