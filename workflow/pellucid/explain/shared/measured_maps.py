"""The stored maps of the measured examples: in which blocks they are explained, and how their parts are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, seeds
from pellucid.errors import InputError

# Examples of a block. Part of the results: the random numbers of a method follow from it.
BLOCK = 32


def blocks_of(examples: int, part: int, parts: int) -> list[tuple[int, slice]]:
    """Return the blocks of a part, with their numbers: the blocks of all parts in order cover all examples.

    Args:
        examples: their number.
        part: from 1 to `parts`; with more parts than blocks some have none.
        parts: their number.
    """
    count = -(-examples // BLOCK)
    first, last = count * (part - 1) // parts, count * part // parts
    return [(block, slice(block * BLOCK, min((block + 1) * BLOCK, examples))) for block in range(first, last)]


def block_seed(seed: int, block: int) -> int:
    """Return the seed with which all methods explain a block; `seed` is that of the experiment."""
    return seeds.integer(seed, "measured", f"block {block}")


def summed(costs: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, float]]:
    """Return by variant the seconds, passes and examples of all blocks."""
    total: dict[str, dict[str, float]] = {}
    for of_block in costs:
        for label, cost in of_block.items():
            entry = total.setdefault(label, {})
            for key in ("seconds", "forward_passes", "backward_passes", "examples"):
                entry[key] = entry.get(key, 0) + cost[key]
    return total


def largest_of(residuals: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """Return by variant the largest of each residual over all blocks."""
    largest: dict[str, dict[str, float]] = {}
    for of_block in residuals:
        for label, values in of_block.items():
            entry = largest.setdefault(label, {})
            for key, value in values.items():
                entry[key] = max(entry.get(key, value), value)
    return largest


def joined_facts(facts: Sequence[Path | str]) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
    """Return by variant the cost of all parts, and their largest residuals; `facts` are the JSON files of the parts."""
    parts = [files.read_json(path) for path in facts]
    return summed([part["costs"] for part in parts]), largest_of([part["checks"] for part in parts])


@dataclass(frozen=True)
class MeasuredMaps:
    """The attributions of all measured examples by one variant, read from the mapped files of the parts.

    Attributes:
        parts: (examples of the part, variants, *input_shape) each.
        variant: its place among the variants.
        filled: bool (test examples, *input_shape), False where nothing was measured; None if all was.
        indices: (N,) the test example behind each measured one.
    """

    parts: tuple[NDArray[np.float32], ...]
    variant: int
    filled: NDArray[np.bool_] | None
    indices: NDArray[np.int64]

    @classmethod
    def open(
        cls,
        maps: Sequence[Path | str],
        label: str,
        labels: Sequence[str],
        filled: Path | str | None,
        indices: NDArray[np.int64],
    ) -> MeasuredMaps:
        """Map the parts, in their order.

        Raises:
            InputError: the parts do not hold as many examples as there are.
        """
        parts = tuple(files.map_array(path) for path in maps)
        if (count := sum(map(len, parts))) != len(indices):
            raise InputError.unexpected(str(maps[0]), f"parts with {count} examples", f"{len(indices)} examples")
        # None: padding is 0, as it was written.
        mask = files.map_arrays(filled).get("test") if filled else None
        return cls(parts, list(labels).index(label), mask, indices)

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the map of one example."""
        return self.parts[0].shape[2:]

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Read the maps of some examples, (len(rows), *input_shape); NaN where nothing was measured."""
        values = self.stored(rows)
        if self.filled is not None:
            values[~self.filled[self.indices[rows]]] = np.nan
        return values

    def stored(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Read the maps of some examples as the method gave them, in the order of `rows`: (len(rows), *map)."""
        values = np.empty((len(rows), *self.shape), np.float32)
        first = 0
        for part in self.parts:
            here = np.flatnonzero((rows >= first) & (rows < first + len(part)))
            if len(here):
                values[here] = part[rows[here] - first, self.variant]
            first += len(part)
        return values

    def shares(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return absolute attributions as shares of each example's sum, (len(rows), *input_shape).

        An example whose map is zero everywhere has no shares: NaN.
        """
        sizes = np.abs(self[rows])
        sums = np.nansum(sizes, axis=tuple(range(1, sizes.ndim)), dtype=np.float64)
        whole = np.where(sums == 0, np.nan, sums)
        shares: NDArray[np.float32] = (sizes / whole.reshape(-1, *[1] * (sizes.ndim - 1))).astype(np.float32)
        return shares
