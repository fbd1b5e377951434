"""Running one attribution method on the chosen examples: the one way from `examples.npz` to `attributions.npz`."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, plugins, seeds
from pellucid.config.variants import variants
from pellucid.errors import InputError
from pellucid.explain.base import measured_for, on_measured, require_finite
from pellucid.messages import abbreviate
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
    """Explain the chosen examples by one method, once for each variant that its parameters ask for.

    Args:
        method: name of the method.
        parameters: its parameters, and `sweep`.
        model: `model.keras`; None for a method that needs none.
        examples: `examples.npz`.
        seed: of the experiment.
        threads: CPU threads.
        memory_mb: for the batches.
        attributions: gets all arrays of `examples`, `variants` (names, V) and `attributions` (float32,
            (V, N, *input_shape)). They are 0 where `measured` says that nothing was; `unmeasured_sum` (V, N) is then
            what the method gave these values in sum, and `unmeasured_share` their share of all absolute attributions.
        cost: JSON; gets seconds (first call, which includes tracing), passes through the model and parameters, per
            variant.
        checks: JSON; gets, per variant, the measured residuals of what the method promises (see `completeness`).
        training: `x_train.npy`, for a method that needs it.
        data_info: `data.json`, for the names of the classes in messages.

    Raises:
        InputError: the method cannot be applied, or gave something else than finite numbers of the inputs' shape.
    """
    plugin = plugins.load("explain")[method]
    arrays = files.read_arrays(examples)
    inputs, targets = arrays["inputs"], arrays["targets"]
    explained_model = (
        ExplainedModel.load(model, threads=threads, memory_mb=memory_mb) if plugin.SPEC.needs_model and model else None
    )
    if explained_model is not None:
        classes = files.read_json(Path(data_info))["classes"] if data_info else range(explained_model.n_classes)
        _require_varying(explained_model, inputs, targets, [str(name) for name in classes])
    measured_inputs = arrays.get("measured")
    given: dict[str, Any] = (
        {"training": files.map_array(Path(training))} if plugin.SPEC.needs_training and training else {}
    )
    given |= measured_for(plugin, measured_inputs)
    maps, costs, measured = [], {}, {}
    for label, chosen in variants(method, parameters).items():
        before, started = _passes(explained_model), time.perf_counter()
        found = plugin.explain(
            explained_model, inputs, targets, seeds.generator(seed, "explain", label), **given, **chosen
        )
        seconds = time.perf_counter() - started
        forward, backward = (after - earlier for after, earlier in zip(_passes(explained_model), before, strict=True))
        require_finite(found, inputs, label)
        maps.append(np.asarray(found, np.float32))
        rng = seeds.generator(seed, "explain", label)
        costs[label] = {
            "seconds": round(seconds, 4),
            "forward_passes": forward,
            "backward_passes": backward,
            "examples": len(inputs),
            "parameters": chosen,
        }
        measured[label] = completeness(plugin, explained_model, inputs, targets, found, rng, {**given, **chosen})
        logger.info(
            "%s: %d examples, %d forward and %d backward passes, %.2f s",
            label,
            len(inputs),
            forward,
            backward,
            seconds,
        )
    files.write_arrays(
        attributions, {**arrays, "variants": np.array(list(costs)), **_kept(np.stack(maps), measured_inputs)}
    )
    files.write_json(cost, costs)
    files.write_json(checks, measured)


def _kept(maps: NDArray[np.float32], measured: NDArray[np.bool_] | None) -> dict[str, NDArray[Any]]:
    """The attributions of what was measured, and what is left out with the others."""
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
    found: NDArray[np.float32],
    rng: np.random.Generator,
    parameters: Mapping[str, Any],
) -> dict[str, float]:
    """How far the attributions are from summing to the change of the logit, for a method that promises it.

    Args:
        plugin: the method; its `reference(inputs, rng, **parameters)` gives the inputs from which change is counted, or
            its `expected(model, inputs, targets, rng, **parameters)` the logits.
        model: the trained model; None for a method that needs none.
        inputs, targets, parameters: what was explained, and how.
        found: its attributions.
        rng: a generator in the state in which the method got its own.

    Returns:
        The largest residual of an example, in units of the logit, and the residuals' sum as a share of the changes'
        (Sundararajan et al. 2017, proposition 1); empty for other methods.
    """
    if model is None or "completeness" not in plugin.SPEC.checks:
        return {}
    start = plugins.hook(plugin, "expected")(model, inputs, targets, rng, **parameters)
    change = model.score(inputs, targets).astype(np.float64) - start
    residual = np.abs(found.sum(tuple(range(1, found.ndim)), dtype=np.float64) - change)
    share = float(residual.sum() / max(np.abs(change).sum(), np.finfo(np.float32).tiny))
    return {"completeness_residual": float(residual.max()), "completeness_residual_share": share}


def _require_varying(
    model: ExplainedModel, inputs: NDArray[np.float32], targets: NDArray[np.int64], classes: Sequence[str]
) -> None:
    """Refuse a target whose score no input changes: every map of it would be zero, and would pass as complete.

    Raises:
        InputError: the score is the same for all examples and for random inputs, of their range and far beyond it.
    """
    rng = np.random.default_rng(0)
    low, high = float(inputs.min()), float(inputs.max())
    shape = (8, *inputs.shape[1:])
    drawn = [rng.uniform(low, high, shape), 10 * max(high - low, 1) * rng.standard_normal(shape)]
    before = _passes(model)
    own = model.scores(inputs, called="explained example")
    random = model.scores(np.concatenate(drawn).astype(np.float32), called="")
    # Far from the data, a score may be larger than any number, or the logarithm of nothing: that is no fault.
    scores = np.concatenate([own, random[np.isfinite(random).all(1)]])
    # A look at the model, no part of what the method costs.
    model.forward_passes, model.backward_passes = before
    rounding = 4 * np.finfo(np.float32).eps * np.abs(scores).max(0)
    constant = [int(target) for target in np.unique(targets) if np.ptp(scores[:, target]) <= rounding[target]]
    if constant:
        value = float(scores[0, constant[0]])
        raise InputError.unexpected(
            f"class {abbreviate(classes[constant[0]])}",
            f"a score that is {value:.4g} for every input",
            "one that depends on the input: a constant has no explanation",
            "Look at the weights of this class in the last layer, and whether the training went well.",
        )


def _passes(model: ExplainedModel | None) -> tuple[int, int]:
    return (model.forward_passes, model.backward_passes) if model else (0, 0)
