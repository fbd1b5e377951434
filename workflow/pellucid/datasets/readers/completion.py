"""Fill the gaps of series and bring them to one length, or refuse them, as the user chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.datasets.base import BLANK, ESTIMATED
from pellucid.datasets.readers.channel_statistics import fits_float32
from pellucid.errors import InputError

# The parameters that sources of series share.
SamplingRate = Annotated[
    float | None, Field(gt=0, le=1_000_000_000, description="sampling rate in Hz, for time axes in seconds")
]
UnitName = Annotated[str, Field(description="unit of the values, for axis labels")]
Missing = Annotated[
    Literal["refuse", "interpolate", "zero"],
    Field(
        description="what becomes of empty cells and NaN within a series. refuse: the run ends and says where they "
        "are. interpolate: a straight line between the values beside them (at an end, the nearest value). zero: "
        "zeros. Filled values do not count in the statistics of scaling, and are neither drawn nor scored"
    ),
]
Lengths = Annotated[
    Literal["refuse", "pad", "crop"],
    Field(
        description="what becomes of series of unequal lengths. refuse: the run ends and says which series. pad: "
        "zeros after the end of shorter series. crop: all series are cut to the shortest. With pad and crop, NaN in "
        "all channels at the end of a series counts as its end"
    ),
]


@dataclass
class Series:
    """Series as a file holds them.

    Attributes:
        x: float32 or float64 (N, time, channels), NaN where a value is missing and after the end of a shorter series.
        place: names the place of (example, sample, channel) in the file, for messages; the place of the whole example
            if sample and channel are None.
        lengths: (N,), samples of each series where the file itself gives them; None where all have the same.
        filling: as in `Examples`, once the series are complete.
    """

    x: NDArray[Any]
    place: Callable[[int, int | None, int | None], str]
    lengths: NDArray[np.int64] | None = None
    filling: NDArray[np.uint8] | None = None

    def only(self, rows: NDArray[np.int64]) -> Series:
        """Return these series alone, before they are completed."""
        place = self.place
        lengths = None if self.lengths is None else self.lengths[rows]
        return Series(self.x[rows], lambda row, time, channel: place(int(rows[row]), time, channel), lengths)


def name_place(where: str, time: int | None, channel: int | None) -> str:
    """Name a place in an array for `Series.place`: the example `where`, and the sample and the channel in it."""
    return where if time is None else f"{where}, sample {time + 1}, channel {(channel or 0) + 1}"


def channel_names(count: int) -> tuple[str, ...]:
    """Return names for channels that the data do not name."""
    return ("signal",) if count == 1 else tuple(f"channel {number + 1}" for number in range(count))


def complete(parts: Mapping[str, Series], *, missing: str, lengths: str) -> tuple[str, ...]:
    """Fill missing values, in place, and bring all parts to one length.

    Args:
        parts: "train" and any other part; each gets an x without NaN, in float32 unless float32 would lose digits of
            the signal, and its filling where values were filled.
        missing: refuse, interpolate or zero.
        lengths: refuse, pad or crop.

    Returns:
        What was filled, padded or cut, a sentence each.

    Raises:
        InputError: a value is missing or lengths differ, where these are refused; a value is infinite; a series has no
            value; parts have different numbers of channels.
    """
    first = next(iter(parts.values()))
    for name, part in parts.items():
        if part.x.shape[2] != first.x.shape[2]:
            raise InputError.unexpected(
                name, f"{part.x.shape[2]} channels", f"{first.x.shape[2]}, as the training examples have"
            )
    gaps = {name: _rows_with_gaps(part) for name, part in parts.items()}
    ends = {name: _ends(part, gaps[name], lengths) for name, part in parts.items()}
    for name, part in parts.items():
        if (empty := np.flatnonzero(ends[name] == 0)).size:
            raise InputError.unexpected(
                part.place(int(empty[0]), None, None), "a series without any value", "at least one"
            )
    all_ends = np.concatenate(list(ends.values()))
    if lengths == "refuse" and all_ends.min() < all_ends.max():
        raise _unequal(parts, ends)
    target = int(all_ends.min() if lengths == "crop" else all_ends.max())
    filled = sum(_fill(part, gaps[name], ends[name], missing) for name, part in parts.items())
    for part in parts.values():
        part.x, part.filling = _sized(part, target)
    if all(fits_float32(part.x, part.filling) for part in parts.values()):
        for part in parts.values():
            part.x = part.x.astype(np.float32, copy=False)
    return (*_about_lengths(all_ends, target, lengths), *_about_missing(filled, missing))


def _rows_with_gaps(series: Series) -> NDArray[np.intp]:
    """Return the examples that hold NaN; refuse an infinite value.

    Minimum and maximum are NaN if any value is NaN, and need no array of the size of x.
    """
    low, high = series.x.min((1, 2)), series.x.max((1, 2))
    for row in np.flatnonzero(~np.isfinite(low) | ~np.isfinite(high)):
        if (infinite := np.argwhere(np.isinf(series.x[row]))).size:
            time, channel = (int(number) for number in infinite[0])
            raise InputError.unexpected(series.place(int(row), time, channel), "infinity", "a finite number")
    return np.flatnonzero(np.isnan(low))


def _ends(series: Series, gaps: NDArray[np.intp], lengths: str) -> NDArray[np.int64]:
    """Return the number of samples of each series up to its end."""
    if lengths == "refuse" and series.lengths is not None:
        return series.lengths
    ends = np.full(len(series.x), series.x.shape[1], np.int64)
    if lengths != "refuse":
        for row in gaps:
            present = np.flatnonzero(~np.isnan(series.x[row]).all(1))
            ends[row] = present[-1] + 1 if present.size else 0
    return ends


def _unequal(parts: Mapping[str, Series], ends: Mapping[str, NDArray[np.int64]]) -> InputError:
    """Return the error that names the first series without the most common length."""
    values, counts = np.unique(np.concatenate(list(ends.values())), return_counts=True)
    usual = int(values[np.argmax(counts)])
    name = next(name for name in parts if (ends[name] != usual).any())
    row = int(np.flatnonzero(ends[name] != usual)[0])
    return InputError.unexpected(
        parts[name].place(row, None, None),
        f"a series of {ends[name][row]} samples, where {counts.max():,} of {counts.sum():,} have {usual}",
        "series of one length",
        "lengths: pad puts zeros after the shorter ones, lengths: crop cuts all to the shortest.",
    )


def _fill(series: Series, gaps: NDArray[np.intp], ends: NDArray[np.int64], missing: str) -> int:
    """Fill the gaps within each series, put zeros after its end, and return how many values were missing."""
    filled = 0
    if len(gaps):
        series.filling = np.zeros(series.x.shape, np.uint8)
    for row in gaps:
        assert series.filling is not None
        end = int(ends[row])
        series.x[row, end:] = 0
        series.filling[row, end:] = BLANK
        values = series.x[row, :end]
        absent = np.isnan(values)
        if not absent.any():
            continue
        if missing == "refuse":
            time, channel = (int(number) for number in np.argwhere(absent)[0])
            raise InputError.unexpected(
                series.place(int(row), time, channel),
                "an empty cell or NaN",
                "a number",
                "Fill gaps with missing: interpolate or zero; if the series ends early, use lengths: pad or crop.",
            )
        filled += int(absent.sum())
        series.filling[row, :end][absent] = BLANK if missing == "zero" else ESTIMATED
        if missing == "zero":
            values[absent] = 0
            continue
        for channel in np.flatnonzero(absent.any(0)):
            known = np.flatnonzero(~absent[:, channel])
            if not known.size:
                raise InputError.unexpected(
                    series.place(int(row), 0, int(channel)), "a series without any value", "at least one"
                )
            unknown = np.flatnonzero(absent[:, channel])
            values[unknown, channel] = np.interp(unknown, known, values[known, channel])
    return filled


def _sized(series: Series, target: int) -> tuple[NDArray[Any], NDArray[np.uint8] | None]:
    """Return values and filling of series, cut or followed by zeros to have `target` samples."""
    x, filling = series.x, series.filling
    if x.shape[1] >= target:
        kept = None if filling is None else np.ascontiguousarray(filling[:, :target])
        return np.ascontiguousarray(x[:, :target]), kept if kept is not None and kept.any() else None
    longer = np.zeros((len(x), target, x.shape[2]), x.dtype)
    longer[:, : x.shape[1]] = x
    kinds = np.full(longer.shape, BLANK, np.uint8)
    kinds[:, : x.shape[1]] = 0 if filling is None else filling
    return longer, kinds


def _about_lengths(ends: NDArray[np.int64], target: int, lengths: str) -> tuple[str, ...]:
    if ends.min() == ends.max():
        return ()
    if lengths == "crop":
        cut = int((ends > target).sum())
        return (f"{cut:,} of {len(ends):,} series are cut to the {target} samples of the shortest.",)
    short = int((ends < target).sum())
    return (f"{short:,} of {len(ends):,} series have fewer than {target} samples, and zeros after their end.",)


def _about_missing(filled: int, missing: str) -> tuple[str, ...]:
    how = {"interpolate": "interpolated", "zero": "set to zero"}
    return (f"{filled:,} missing values were {how[missing]}.",) if filled else ()
