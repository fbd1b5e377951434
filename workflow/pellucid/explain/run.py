"""Run one attribution method on the selected examples: from `examples.npz` to `attributions.npz`."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, plugins, seeds
from pellucid.config.variants import domain_of, variants
from pellucid.explain.base import measured_for, on_measured, require_finite
from pellucid.explain.shared import constant_scores, domains, flat_maps, held_examples, number_inputs, stored_maps
from pellucid.explain.shared.stored_maps import DomainMap, arrays_of
from pellucid.messages import counted, numbers_list
from pellucid.network.explained_model import ExplainedModel

logger = logging.getLogger(__name__)


def run(
    *,
    method: str,
    parameters: Mapping[str, Any],
    model: Path | str | None,
    examples: Path | str,
    seed: int,
    threads: int,
    memory_mb: int,
    attributions: Path | str,
    cost: Path | str,
    checks: Path | str,
    training: Path | str | None = None,
    data_info: Path | str | None = None,
) -> None:
    """Explain the selected examples by one method, once for each variant of its parameters.

    Args:
        method: name of the method.
        parameters: its parameters, and `sweep`.
        model: `model.keras`; None for a method that needs no model.
        examples: `examples.npz`.
        seed: of the experiment.
        threads, memory_mb: for the model.
        attributions: gets all arrays of `examples`, `variants` (names, V) and `attributions` (float32,
            (V, N, *input_shape)), see `_split_measured`; of variants in another domain than time what
            `stored_maps.arrays_of` returns.
        cost: JSON; gets for each variant the seconds (of the first call, tracing included), the passes through the
            model and the parameters.
        checks: JSON; gets for each variant the result of `completeness`.
        training: `x_train.npy`, for a method that needs it.
        data_info: `data.json`, for the names of the outputs in messages, and the sampling rate.

    Raises:
        InputError: the method does not apply to the model, or did not return finite numbers of the inputs' shape.
    """
    arrays = files.read_arrays(examples)
    explained_model = None
    if plugins.spec("explain", method).needs_model and model:
        explained_model = ExplainedModel.load(model, threads=threads, memory_mb=memory_mb)
    info = files.read_json(Path(data_info)) if data_info else {}
    results = explain_variants(
        method,
        parameters,
        explained_model,
        arrays,
        seed=seed,
        training=files.map_array(Path(training)) if training else None,
        classes=info.get("classes"),
        sampling_rate=info.get("sampling_rate_hz"),
    )
    files.write_arrays(attributions, results.arrays)
    files.write_json(cost, results.costs)
    files.write_json(checks, results.checks)


@dataclass(frozen=True)
class Results:
    """What one method gave for all variants of its parameters.

    Attributes:
        arrays: the content of `attributions.npz`, see `run`.
        costs, checks: of `cost.json` and `checks.json`, by variant.
    """

    arrays: dict[str, NDArray[Any]]
    costs: dict[str, dict[str, Any]]
    checks: dict[str, dict[str, float]]


def explain_variants(
    method: str,
    parameters: Mapping[str, Any],
    model: ExplainedModel | None,
    arrays: Mapping[str, NDArray[Any]],
    *,
    seed: int,
    training: NDArray[np.float32] | None = None,
    classes: Sequence[str] | None = None,
    sampling_rate: float | None = None,
    runs: Mapping[str, Mapping[str, Any]] | None = None,
) -> Results:
    """Explain examples by one method, once for each variant of its parameters.

    The rule (`run`) and `pellucid.explain` share this function, so that both give the same bytes.

    Args:
        method, parameters, seed: as for `run`.
        model: None for a method that needs no model.
        arrays: the content of `examples.npz`, of which `inputs`, `targets`, `measured`, and the values of held inputs
            (`held_examples.others`) are used.
        training: (M, *input_shape), for a method that needs training examples.
        classes: their names, for messages.
        sampling_rate: in Hz, for the frequencies of maps in another domain; None if it is not known.
        runs: the parameters of the variants to be run, by label; None for all variants of `parameters`.

    Raises:
        InputError: as `run`.
    """
    plugin = plugins.load("explain")[method]
    inputs, targets, measured = held_examples.with_axis(arrays["inputs"]), arrays["targets"], arrays.get("measured")
    numbers = number_inputs.is_numbers(arrays["inputs"].shape[1:])
    arrays, held = {**arrays, "inputs": inputs}, held_examples.others(arrays)
    model = model if plugin.SPEC.needs_model else None
    if model:
        constant_scores.refuse(model, inputs, targets, held, classes)
    provided: dict[str, Any] = {}
    if plugin.SPEC.needs_training and training is not None:
        provided["training"] = held_examples.with_axis(training)
    maps, elsewhere, costs, residuals = dict[str, NDArray[np.float32]](), dict[str, DomainMap](), {}, {}
    for label, written in (variants(method, parameters) if runs is None else runs).items():
        values = number_inputs.of_method(method, written, inputs.shape[1]) if numbers else written

        def arguments(rows: slice, values: Mapping[str, Any] = values) -> dict[str, Any]:
            return {**provided, **measured_for(plugin, None if measured is None else measured[rows]), **values}

        before, started, of_rows, left = _passes(model), time.perf_counter(), [], []
        for rows in held_examples.each(model, held, len(inputs)):
            rng = seeds.generator(seed, "explain", label)
            of_rows.append(plugin.explain(model, inputs[rows], targets[rows], rng, **arguments(rows)))
        seconds = time.perf_counter() - started
        variant_maps = of_rows[0] if len(of_rows) == 1 else np.concatenate(of_rows)
        transform = domains.transform_for(values, inputs.shape[1:])
        require_finite(variant_maps, inputs, label, transform.cells if transform else None)
        flat = flat_maps.are_flat(variant_maps, None if transform else measured)
        _tell_flat(flat, arrays.get("indices"), label)
        variant_maps = np.asarray(variant_maps, np.float32)
        if transform:
            elsewhere[label] = stored_maps.of(domain_of(values), variant_maps, transform, sampling_rate)
        else:
            maps[label] = variant_maps
        costs[label] = _cost(label, before, _passes(model), seconds, len(inputs), values)
        for rows in held_examples.each(model, held, len(inputs)):
            rng = seeds.generator(seed, "explain", label)
            left.append(
                _residuals(plugin, model, inputs[rows], targets[rows], variant_maps[rows], rng, arguments(rows))
            )
        residuals[label] = _summary(left)
    of_steps = model.explained_steps if model else None
    if of_steps:
        arrays = {**arrays, "steps": np.array([of_steps.first, of_steps.stop, of_steps.total])}
    return Results({**arrays, **_stored(maps, inputs.shape, measured), **arrays_of(elsewhere)}, costs, residuals)


def _stored(
    maps: Mapping[str, NDArray[np.float32]], shape: tuple[int, ...], measured: NDArray[np.bool_] | None
) -> dict[str, NDArray[Any]]:
    """Return the arrays of the variants in time; there may be none."""
    in_time = np.stack(list(maps.values())) if maps else np.zeros((0, *shape), np.float32)
    return {"variants": np.array(list(maps), np.str_), **_split_measured(in_time, measured)}


def _tell_flat(flat: NDArray[np.bool_], indices: NDArray[Any] | None, label: str) -> None:
    """Log which maps have the same value everywhere: such a map tells no part from another."""
    if flat.any():
        which = np.flatnonzero(flat) if indices is None else indices[flat]
        logger.warning(
            "%s: the same attribution everywhere in the maps of %s: %s",
            label,
            counted(len(which), "example"),
            numbers_list(which),
        )


def _cost(
    label: str,
    before: tuple[int, int],
    after: tuple[int, int],
    seconds: float,
    examples: int,
    parameters: Mapping[str, Any],
) -> dict[str, Any]:
    """Log and return the entry of `cost.json` of one variant, from the model's passes before and after it."""
    forward, backward = (end - start for end, start in zip(after, before, strict=True))
    logger.info(
        "%s: %d examples, %d forward and %d backward passes, %.2f s", label, examples, forward, backward, seconds
    )
    return {
        "seconds": round(seconds, 4),
        "forward_passes": forward,
        "backward_passes": backward,
        "examples": examples,
        "parameters": parameters,
    }


def _split_measured(maps: NDArray[np.float32], measured: NDArray[np.bool_] | None) -> dict[str, NDArray[Any]]:
    """Set the attributions to 0 where nothing was measured.

    Returns:
        `attributions` (V, N, *input_shape); with `measured` also `unmeasured_sum` (V, N), the sum of the attributions
        that were set to 0, and `unmeasured_share` (V, N), their share of all absolute attributions.
    """
    if measured is None:
        return {"attributions": maps}
    axes = tuple(range(2, maps.ndim))
    whole, outside = np.abs(maps).sum(axes, np.float64), np.where(measured, 0, maps)
    share = np.abs(outside).sum(axes, np.float64) / np.where(whole > 0, whole, 1)
    return {
        "attributions": on_measured(maps, measured),
        "unmeasured_sum": outside.sum(axes, np.float64),
        "unmeasured_share": share,
    }


def completeness(
    plugin: Any,
    model: ExplainedModel | None,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    attributions: NDArray[np.float32],
    rng: np.random.Generator,
    parameters: Mapping[str, Any],
) -> dict[str, float]:
    """Return how far the attributions are from summing to the change of the logit (completeness).

    The change is counted from the logits of the method's `reference(inputs, rng, **parameters)`, or from the logits
    that its `expected(model, inputs, targets, rng, **parameters)` returns.

    Args:
        plugin: the method.
        model: the trained model; None for a method that needs no model.
        inputs, targets, parameters: the arguments with which the method was called.
        attributions: what the method returned.
        rng: a generator in the same state as the one that the method got.

    Returns:
        The largest residual of an example, in units of the logit, and the sum of the residuals as a share of the sum of
        the changes (Sundararajan et al. 2017, proposition 1); nothing for a method that does not declare completeness.
    """
    return _summary([_residuals(plugin, model, inputs, targets, attributions, rng, parameters)])


def _residuals(
    plugin: Any,
    model: ExplainedModel | None,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    attributions: NDArray[np.float32],
    rng: np.random.Generator,
    parameters: Mapping[str, Any],
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return the residual and the change of each example for `completeness`; None for a method that declares none."""
    if model is None or "completeness" not in plugin.SPEC.checks:
        return None
    start = plugins.hook(plugin, "expected")(model, inputs, targets, rng, **parameters)
    change = model.score(inputs, targets).astype(np.float64) - start
    residual = np.abs(attributions.sum(tuple(range(1, attributions.ndim)), dtype=np.float64) - change)
    return residual, change


def _summary(parts: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]] | None]) -> dict[str, float]:
    """Return the two numbers of `completeness`, of the residuals and changes of parts of the examples."""
    declared = [part for part in parts if part is not None]
    if not declared:
        return {}
    residual, change = (np.concatenate(values) for values in zip(*declared, strict=True))
    share = float(residual.sum() / max(np.abs(change).sum(), np.finfo(np.float32).tiny))
    return {"completeness_residual": float(residual.max()), "completeness_residual_share": share}


def _passes(model: ExplainedModel | None) -> tuple[int, int]:
    return (model.forward_passes, model.backward_passes) if model else (0, 0)
