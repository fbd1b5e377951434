"""Explain the measured examples part by part, in blocks whose results do not depend on the number of parts.

A block is 32 examples in a row. Each has a generator of its own, so that a method draws the same numbers for it
whichever job explains it. A part is a union of whole blocks.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, plugins, seeds
from pellucid.config.variants import variants_in_time
from pellucid.errors import InputError
from pellucid.explain import run as explain_run
from pellucid.explain.shared import held_examples
from pellucid.network.explained_model import ExplainedModel

logger = logging.getLogger(__name__)

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


def explain_part(
    *,
    method: str,
    parameters: Mapping[str, Any],
    model: Path | str | None,
    examples: Path | str,
    x: Path | str,
    filled: Path | str,
    part: str,
    seed: int,
    threads: int,
    memory_mb: int,
    maps: Path | str,
    facts: Path | str,
    training: Path | str | None = None,
    data_info: Path | str | None = None,
) -> None:
    """Explain one part of the measured examples by one method, once for each variant of its parameters.

    Args:
        method, parameters, model, seed, threads, memory_mb, training, data_info: as for `explain.run.run`.
        examples: what `selection.select` wrote.
        x: `x_test.npy`.
        filled: `measured.npz`: which values of the examples were measured.
        part: as "3of16".
        maps: gets the attributions, float32 (examples of the part, variants, *input_shape). They are written block by
            block: memory does not grow with the part.
        facts: JSON; gets the variants, the number of examples, and by variant the cost and the largest residual of
            completeness.

    Raises:
        InputError: as `explain.run.run`, or the part is no part.
    """
    number, _, parts = part.partition("of")
    if not 1 <= int(number) <= int(parts):
        raise InputError.unexpected("part", part, f"a number from 1 to {parts} before the word of")
    chosen, inputs = files.read_arrays(examples), files.map_array(x)
    mask = files.map_arrays(filled).get("test")
    explained_model = None
    if plugins.spec("explain", method).needs_model and model:
        explained_model = ExplainedModel.load(model, threads=threads, memory_mb=memory_mb)
    background = files.map_array(training) if training else None
    classes = files.read_json(data_info)["classes"] if data_info else None
    blocks = blocks_of(len(chosen["indices"]), int(number), int(parts))
    labels = list(runs := variants_in_time(method, parameters))
    count = sum(rows.stop - rows.start for _, rows in blocks)
    costs: list[dict[str, dict[str, Any]]] = []
    residuals: list[dict[str, dict[str, float]]] = []

    def write(path: Path) -> None:
        with path.open("wb") as file, _quiet():
            files.write_header(file, (count, len(labels), *inputs.shape[1:]), np.dtype(np.float32))
            for block, rows in blocks:
                where = chosen["indices"][rows]
                arrays = {"inputs": np.asarray(inputs[where]), "targets": chosen["targets"][rows]}
                for name, values in held_examples.others(chosen).items():
                    arrays[f"{held_examples.PREFIX}{name}"] = values[rows]
                if mask is not None:
                    arrays["measured"] = np.asarray(mask[where])
                results = explain_run.explain_variants(
                    method,
                    parameters,
                    explained_model,
                    arrays,
                    seed=seeds.integer(seed, "measured", f"block {block}"),
                    training=background,
                    classes=classes,
                    runs=runs,
                )
                file.write(np.ascontiguousarray(np.moveaxis(results.arrays["attributions"], 0, 1)).data)
                costs.append(results.costs)
                residuals.append(results.checks)

    files.write(maps, write)
    facts_of = {"examples": count, "variants": labels, "costs": _summed(costs), "checks": _largest(residuals)}
    files.write_json(facts, facts_of)
    logger.info("part %s: %d examples", part, count)


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out the lines that `explain.run` logs of each call: there is a call for every block."""
    inner = logging.getLogger(explain_run.__name__)
    before = inner.disabled
    inner.disabled = True
    try:
        yield
    finally:
        inner.disabled = before


def _summed(costs: Sequence[Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, float]]:
    """Return by variant the seconds, passes and examples of all blocks."""
    total: dict[str, dict[str, float]] = {}
    for of_block in costs:
        for label, cost in of_block.items():
            entry = total.setdefault(label, {})
            for key in ("seconds", "forward_passes", "backward_passes", "examples"):
                entry[key] = entry.get(key, 0) + cost[key]
    return total


def _largest(residuals: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """Return by variant the largest of each residual over all blocks."""
    largest: dict[str, dict[str, float]] = {}
    for of_block in residuals:
        for label, values in of_block.items():
            entry = largest.setdefault(label, {})
            for key, value in values.items():
                entry[key] = max(entry.get(key, value), value)
    return largest


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
        values = np.empty((len(rows), *self.shape), np.float32)
        first = 0
        for part in self.parts:
            here = np.flatnonzero((rows >= first) & (rows < first + len(part)))
            if len(here):
                values[here] = part[rows[here] - first, self.variant]
            first += len(part)
        if self.filled is not None:
            values[~self.filled[self.indices[rows]]] = np.nan
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
