"""Series with gaps, or of unequal lengths, made into arrays without either, or refused: as the user says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.datasets.base import BLANK, ESTIMATED
from pellucid.errors import InputError
from pellucid.prepare import scaling

# The parameters that sources of series share.
SamplingRate = Annotated[float | None, Field(gt=0, le=1_000_000_000, description="in Hz, for time axes in seconds")]
UnitName = Annotated[str, Field(description="of the values, for axis labels")]
Missing = Annotated[
    Literal["refuse", "interpolate", "zero"],
    Field(
        description="what becomes of empty cells and NaN within a series: the run ends and says where; a straight "
        "line between the values beside them (at an end, the nearest value); or zero. What was filled does not "
        "count in the statistics of scaling, and is neither drawn nor scored"
    ),
]
Lengths = Annotated[
    Literal["refuse", "pad", "crop"],
    Field(
        description="what becomes of series of unequal lengths: the run ends and says which; zeros after the end of "
        "shorter ones; or only as much of each as the shortest has. With pad and crop, NaN in all channels at the end "
        "of a series counts as its end"
    ),
]


@dataclass
class Series:
    """Series as a file holds them.

    Attributes:
        x: float32 or float64 (N, time, channels), NaN where there is no value, and after the end of a shorter series.
        place: names the place of (example, sample, channel), for messages; of an example as a whole where the other
            two are None.
        lengths: (N,), samples of each series where the file itself says so; None where all have the same.
        filling: as in `Examples`, once the series are complete.
    """

    x: NDArray[Any]
    place: Callable[[int, int | None, int | None], str]
    lengths: NDArray[np.int64] | None = None
    filling: NDArray[np.uint8] | None = None


def placed(where: str, time: int | None, channel: int | None) -> str:
    """What `Series.place` says of an array: `where`, an example, and the sample and the channel in it."""
    return where if time is None else f"{where}, sample {time + 1}, channel {(channel or 0) + 1}"


def channel_names(count: int) -> tuple[str, ...]:
    """What channels are called that have no names."""
    return ("signal",) if count == 1 else tuple(f"channel {number + 1}" for number in range(count))


def complete(parts: Mapping[str, Series], *, missing: str, lengths: str) -> tuple[str, ...]:
    """Fill what is missing, in place, and bring all parts to one length.

    Args:
        parts: "train" and any other part; each gets its x without NaN, in float32 unless that would cost digits of the
            signal, and its filling where something was filled.
        missing: refuse, interpolate or zero.
        lengths: refuse, pad or crop.

    Returns:
        What was done, a sentence each.

    Raises:
        InputError: what is to be refused, an infinite value, a series without any value, or parts with other channels.
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
    together = np.concatenate(list(ends.values()))
    if lengths == "refuse" and together.min() < together.max():
        raise _unequal(parts, ends)
    target = int(together.min() if lengths == "crop" else together.max())
    filled = sum(_fill(part, gaps[name], ends[name], missing) for name, part in parts.items())
    for part in parts.values():
        part.x, part.filling = _sized(part, target)
    if all(scaling.fits_float32(part.x, part.filling) for part in parts.values()):
        for part in parts.values():
            part.x = part.x.astype(np.float32, copy=False)
    return (*_told_lengths(together, target, lengths), *_told_missing(filled, missing))


def _rows_with_gaps(part: Series) -> NDArray[np.intp]:
    """The examples that hold NaN; an infinite value is refused.

    Minimum and maximum carry NaN along and need no array of the size of x.
    """
    low, high = part.x.min((1, 2)), part.x.max((1, 2))
    for row in np.flatnonzero(~np.isfinite(low) | ~np.isfinite(high)):
        if (wrong := np.argwhere(np.isinf(part.x[row]))).size:
            time, channel = (int(number) for number in wrong[0])
            raise InputError.unexpected(part.place(int(row), time, channel), "infinity", "a finite number")
    return np.flatnonzero(np.isnan(low))


def _ends(part: Series, gaps: NDArray[np.intp], lengths: str) -> NDArray[np.int64]:
    """Samples of each series up to its end."""
    if lengths == "refuse" and part.lengths is not None:
        return part.lengths
    ends = np.full(len(part.x), part.x.shape[1], np.int64)
    if lengths != "refuse":
        for row in gaps:
            there = np.flatnonzero(~np.isnan(part.x[row]).all(1))
            ends[row] = there[-1] + 1 if there.size else 0
    return ends


def _unequal(parts: Mapping[str, Series], ends: Mapping[str, NDArray[np.int64]]) -> InputError:
    """The first series that is not as long as the most common length."""
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


def _fill(part: Series, gaps: NDArray[np.intp], ends: NDArray[np.int64], missing: str) -> int:
    """Fill the gaps within each series, and zeros after its end; returns how many values were missing."""
    filled = 0
    if len(gaps):
        part.filling = np.zeros(part.x.shape, np.uint8)
    for row in gaps:
        assert part.filling is not None
        end = int(ends[row])
        part.x[row, end:] = 0
        part.filling[row, end:] = BLANK
        series = part.x[row, :end]
        absent = np.isnan(series)
        if not absent.any():
            continue
        if missing == "refuse":
            time, channel = (int(number) for number in np.argwhere(absent)[0])
            raise InputError.unexpected(
                part.place(int(row), time, channel),
                "an empty cell or NaN",
                "a number",
                "missing: interpolate or zero fills gaps; lengths: pad or crop is for series that end early.",
            )
        filled += int(absent.sum())
        part.filling[row, :end][absent] = BLANK if missing == "zero" else ESTIMATED
        if missing == "zero":
            series[absent] = 0
            continue
        for channel in np.flatnonzero(absent.any(0)):
            known = np.flatnonzero(~absent[:, channel])
            if not known.size:
                raise InputError.unexpected(
                    part.place(int(row), 0, int(channel)), "a series without any value", "at least one"
                )
            unknown = np.flatnonzero(absent[:, channel])
            series[unknown, channel] = np.interp(unknown, known, series[known, channel])
    return filled


def _sized(part: Series, target: int) -> tuple[NDArray[Any], NDArray[np.uint8] | None]:
    """Values and filling of series that are cut, or followed by zeros, to one length."""
    x, filling = part.x, part.filling
    if x.shape[1] >= target:
        kept = None if filling is None else np.ascontiguousarray(filling[:, :target])
        return np.ascontiguousarray(x[:, :target]), kept if kept is not None and kept.any() else None
    longer = np.zeros((len(x), target, x.shape[2]), x.dtype)
    longer[:, : x.shape[1]] = x
    kinds = np.full(longer.shape, BLANK, np.uint8)
    kinds[:, : x.shape[1]] = 0 if filling is None else filling
    return longer, kinds


def _told_lengths(ends: NDArray[np.int64], target: int, lengths: str) -> tuple[str, ...]:
    if ends.min() == ends.max():
        return ()
    if lengths == "crop":
        cut = int((ends > target).sum())
        return (f"{cut:,} of {len(ends):,} series are cut to the {target} samples of the shortest.",)
    short = int((ends < target).sum())
    return (f"{short:,} of {len(ends):,} series have fewer than {target} samples, and zeros after their end.",)


def _told_missing(filled: int, missing: str) -> tuple[str, ...]:
    how = {"interpolate": "interpolated", "zero": "set to zero"}
    return (f"{filled:,} missing values were {how[missing]}.",) if filled else ()
