"""Running one attribution method on the chosen examples: the one way from `examples.npz` to `attributions.npz`."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import files, plugins, seeds
from pellucid.errors import InputError
from pellucid.explain.variants import variants
from pellucid.probe import Probe

logger = logging.getLogger(__name__)


def run(
    *,
    method: str,
    parameters: Mapping[str, Any],
    model: Path | str,
    examples: Path | str,
    seed: int,
    threads: int,
    memory_mb: int,
    attributions: Path | str,
    cost: Path | str,
) -> None:
    """Explain the chosen examples by one method, once for each variant that its parameters ask for.

    Args:
        method: name of the method.
        parameters: its parameters, and `sweep`.
        model: `model.keras`.
        examples: `examples.npz`.
        seed: of the experiment.
        threads: CPU threads.
        memory_mb: for the batches.
        attributions: gets all arrays of `examples`, `variants` (names, V) and `attributions` (float32,
            (V, N, *input_shape)).
        cost: JSON; gets seconds (first call, which includes tracing), passes through the model and the batch size, per
            variant.

    Raises:
        InputError: the method cannot be applied, or gave something else than finite numbers of the inputs' shape.
    """
    plugin = plugins.load("explain")[method]
    arrays = files.read_arrays(examples)
    inputs, targets = arrays["inputs"], arrays["targets"]
    probe = Probe.load(model, threads=threads, memory_mb=memory_mb)
    maps, costs = [], {}
    for label, chosen in variants(method, parameters).items():
        forward, backward, started = probe.forward_passes, probe.backward_passes, time.perf_counter()
        found = plugin.explain(probe, inputs, targets, seeds.generator(seed, "explain", label), **chosen)
        seconds = time.perf_counter() - started
        _check(found, inputs, label)
        maps.append(found)
        costs[label] = {
            "seconds": round(seconds, 4),
            "forward_passes": probe.forward_passes - forward,
            "backward_passes": probe.backward_passes - backward,
            "examples": len(inputs),
            "parameters": chosen,
        }
        logger.info(
            "%s: %d examples, %d forward and %d backward passes, %.2f s",
            label,
            len(inputs),
            costs[label]["forward_passes"],
            costs[label]["backward_passes"],
            seconds,
        )
    files.write_arrays(
        attributions, {**arrays, "variants": np.array(list(costs)), "attributions": np.stack(maps).astype(np.float32)}
    )
    files.write_json(cost, costs)


def _check(found: Any, inputs: Any, label: str) -> None:
    if found.shape != inputs.shape:
        raise InputError(label, f"attributions of shape {found.shape}", f"the inputs' shape {inputs.shape}")
    if not np.isfinite(found).all():
        index = int(np.argwhere(~np.isfinite(found))[0][0])
        raise InputError(label, f"NaN or infinity in the attribution of example {index}", "finite values")
