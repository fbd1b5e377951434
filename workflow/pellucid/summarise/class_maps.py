"""Class maps: the mean map of each class with its band, in the method's unit and as share of the total."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.explain.shared.measured_maps import MeasuredMaps
from pellucid.summarise.by_class import by_class
from pellucid.summarise.grouped_means import Read, mean_and_band


def class_maps(
    maps: MeasuredMaps,
    x: NDArray[Any],
    labels: NDArray[np.int64],
    classes: Sequence[str],
    groups: NDArray[np.str_] | None,
    event: NDArray[np.float32] | None,
) -> dict[str, NDArray[Any]]:
    """Return the class maps of one method, C classes.

    Args:
        maps: of all measured examples.
        x: (M, *input_shape), all test examples.
        labels: (N,) the output that each measured example stands for.
        classes: names of the outputs.
        groups: (N,) recording or patient of each; None if examples are independent of each other.
        event: (N,) the sample of the event; examples whose event is not known (NaN) are left out. None: not aligned.

    Returns:
        `outputs` (int64, (C,)), `examples` and `groups` (int64, (C,)), `zero` (examples whose map is zero everywhere);
        of the shape (C, *input_shape), float32: `mean`, `low`, `high` in the method's unit, `share`, `share_low`,
        `share_high`, `input` (the mean example); `count` (int64, examples behind each mean); and with an event
        `reference` (int64), the sample at which all events lie after the alignment.
    """
    filled, indices = maps.filled, maps.indices

    def inputs(rows: NDArray[np.int64]) -> NDArray[np.floating]:
        values = np.asarray(x[indices[rows]], np.float32)
        return values if filled is None else np.where(filled[indices[rows]], values, np.float32(np.nan))

    known = np.ones(len(maps), np.bool_) if event is None else np.isfinite(event)
    reference = 0 if event is None or not known.any() else int(np.rint(np.median(event[known])))
    shifts = None if event is None else reference - np.rint(np.where(known, event, 0)).astype(np.int64)
    results: dict[str, list[Any]] = {}
    for members in by_class(labels, classes):
        rows = members.rows[known[members.rows]]
        if not len(rows):
            continue
        of_rows = None if groups is None else groups[rows]
        in_units = mean_and_band(_shifted(lambda some: maps[some], shifts), rows, of_rows)
        share = mean_and_band(_shifted(maps.shares, shifts), rows, of_rows)
        values = {
            "outputs": members.output,
            "examples": len(rows),
            "groups": len(rows) if of_rows is None else len(np.unique(of_rows)),
            "zero": len(rows) - int(share.present.max()),
            **{name: getattr(in_units, name).astype(np.float32) for name in ("mean", "low", "high")},
            "share": share.mean.astype(np.float32),
            "share_low": share.low.astype(np.float32),
            "share_high": share.high.astype(np.float32),
            "input": mean_and_band(_shifted(inputs, shifts), rows, of_rows).mean.astype(np.float32),
            "count": in_units.present,
        }
        for name, value in values.items():
            results.setdefault(name, []).append(value)
    arrays = {name: np.array(values) for name, values in results.items()}
    return arrays | ({} if event is None else {"reference": np.array(reference)})


def _shifted(read: Read, shifts: NDArray[np.int64] | None) -> Read:
    """Return a function that moves each example along its first axis, so that all events lie at one sample.

    Values that move out of the window are lost; values that were never in it are NaN.
    """
    if shifts is None:
        return read

    def moved(rows: NDArray[np.int64]) -> NDArray[np.floating]:
        values = read(rows)
        length = values.shape[1]
        source = np.arange(length) - shifts[rows][:, np.newaxis]
        there = (source >= 0) & (source < length)
        taken = np.take_along_axis(
            values, np.clip(source, 0, length - 1).reshape(*source.shape, *[1] * (values.ndim - 2)), axis=1
        )
        taken[~there] = np.nan
        return taken

    return moved
