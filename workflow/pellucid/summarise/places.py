"""Divide the axes of an example into places: bins of time, or cells of an image."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.data_info import DataInfo

BINS = 20  # of a series
CELLS = 4  # of an image, along each side


@dataclass(frozen=True)
class Places:
    """Places that cover an example, each position being in exactly one.

    Attributes:
        of_position: int64, of the shape of an example without its channels: the place of each position.
        names: of the places, such as "0.4–0.5 s" or "rows 0–6, columns 7–13".
    """

    of_position: NDArray[np.int64]
    names: tuple[str, ...]

    @classmethod
    def of(cls, shape: Sequence[int], parts: int, data_info: DataInfo | None = None) -> Places:
        """Divide each axis into at most `parts` ranges of nearly the same length.

        Args:
            shape: of an example, without its channels.
            parts: along each axis.
            data_info: content of `data.json`: with a sampling rate, names are in seconds.
        """
        cuts = [np.array_split(np.arange(size), min(parts, size)) for size in shape]
        of_axis = [np.repeat(np.arange(len(ranges)), [len(one) for one in ranges]) for ranges in cuts]
        of_position = np.zeros(tuple(shape), np.int64)
        for axis, codes in enumerate(of_axis):
            of_position = of_position * len(cuts[axis]) + codes.reshape(
                [-1 if a == axis else 1 for a in range(len(cuts))]
            )
        rate = data_info.get("sampling_rate_hz") if data_info else None
        names = []
        for ranges in itertools.product(*cuts):
            ends = [(int(one[0]), int(one[-1])) for one in ranges]
            if len(ends) == 1 and rate:
                names.append(f"{ends[0][0] / rate:.3g}–{(ends[0][1] + 1) / rate:.3g} s")
            elif len(ends) == 1:
                names.append(f"{ends[0][0]}–{ends[0][1]}")
            else:
                names.append(", ".join(f"{word} {low}–{high}" for word, (low, high) in zip(_SIDES, ends, strict=True)))
        return cls(of_position, tuple(names))

    def sums(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the sums of values (n, *shape, channels) over each place: (n, places, channels); NaN counts 0."""
        flat = np.nan_to_num(values.reshape(len(values), self.of_position.size, values.shape[-1]))
        member = np.eye(len(self.names))[self.of_position.ravel()]
        sums: NDArray[np.float64] = np.einsum("npc,pb->nbc", flat.astype(np.float64), member, optimize=True)
        return sums


_SIDES = ("rows", "columns")


def default_parts(shape: Sequence[int]) -> int:
    """Return into how many ranges each axis is divided: shape is that of an example without its channels."""
    return BINS if len(shape) == 1 else CELLS
