"""Explain the measured examples part by part, in blocks whose results do not depend on the number of parts.

A block is 32 examples in a row. Each has a generator of its own, so that a method draws the same numbers for it
whichever job explains it. A part is a union of whole blocks.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import files, plugins
from pellucid.config.variants import variants_in_time
from pellucid.errors import InputError
from pellucid.explain import run as explain_run
from pellucid.explain.shared import held_examples
from pellucid.explain.shared.measured_maps import block_seed, blocks_of, largest_of, summed
from pellucid.network.explained_model import ExplainedModel

logger = logging.getLogger(__name__)


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
                    seed=block_seed(seed, block),
                    training=background,
                    classes=classes,
                    runs=runs,
                )
                file.write(np.ascontiguousarray(np.moveaxis(results.arrays["attributions"], 0, 1)).data)
                costs.append(results.costs)
                residuals.append(results.checks)

    files.write(maps, write)
    facts_of = {"examples": count, "variants": labels, "costs": summed(costs), "checks": largest_of(residuals)}
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
