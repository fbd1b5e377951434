"""Temporal saliency rescaling: how much a gradient method's map changes when a step, then a value, is taken away."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.explain import (
    deconvnet,
    gradient_input,
    guided_backpropagation,
    integrated_gradients,
    saliency,
    smoothgrad,
    vargrad,
)
from pellucid.explain.base import MethodSpec, measured_for
from pellucid.explain.shared import baselines, masks
from pellucid.network.explained_model import ExplainedModel

logger = logging.getLogger(__name__)

_METHODS = {
    "saliency": saliency,
    "gradient_input": gradient_input,
    "integrated_gradients": integrated_gradients,
    "smoothgrad": smoothgrad,
    "vargrad": vargrad,
    "guided_backpropagation": guided_backpropagation,
    "deconvnet": deconvnet,
}
# What a channel counts at a step below the threshold, as in the paper's implementation.
_BELOW = 0.1
# Altered copies that are explained at a time.
_COPIES = 512
_SECONDS = 20

SPEC = MethodSpec(
    title="Temporal saliency rescaling",
    family="gradient",
    paper="Ismail AA, Gunady M, Corrada Bravo H, Feizi S. Benchmarking Deep Learning Interpretability in Time Series "
    "Predictions. NeurIPS (2020), algorithm 1, scaled as in the authors' implementation",
    unit="importance of the step × of the channel",
    per_channel=True,
    signed=False,
    kinds=("series",),
    of_numbers=False,
)


def explain(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    of: Annotated[
        Literal[
            "saliency",
            "gradient_input",
            "integrated_gradients",
            "smoothgrad",
            "vargrad",
            "guided_backpropagation",
            "deconvnet",
        ],
        Field(
            description="the method whose map is rescaled; it runs with its default parameters. Some maps change only "
            "where a ReLU switches (saliency of most networks); such a map may give zeros"
        ),
    ] = "gradient_input",
    quantile: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="steps up to this quantile of importance are not examined channel by channel; each of their "
            "channels gets a tenth of the step's importance",
        ),
    ] = 0.55,
    baseline: baselines.Baseline = "zero",
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return the importance of each step times that of each channel at this step: (N, time, channels), from 0 to 1.

    For a step: all its channels take the baseline's values, the absolute changes of the map are summed, and the sums
    are scaled to 0-1 over the steps. For a channel of a step: the same for this one value, scaled to 0-1 over the
    channels of the step. A series of one channel has only the importance of its steps.

    Raises:
        InputError: the examples are images.
    """
    masks.require_series(inputs.shape[1:-1], "temporal_saliency_rescaling")
    plugin: Any = _METHODS[of]
    filling = baselines.baseline(inputs, baseline, rng, measured)
    seed = int(rng.integers(2**63))
    count, length, depth = inputs.shape

    def mapped(x: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        given = measured_for(plugin, None if measured is None else measured[rows])
        # The same noise for every copy, else the map would change by its noise.
        found = plugin.explain(model, x, targets[rows], np.random.default_rng(seed), **given)
        return np.asarray(found, np.float64)

    original = mapped(inputs, np.arange(count))
    steps = changes(mapped, original, inputs, filling, np.argwhere(np.ones((count, length), np.bool_)))
    of_time = _scaled(steps.reshape(count, length))
    if depth == 1:
        return np.asarray(of_time[..., np.newaxis], np.float32)
    above = of_time > np.quantile(of_time, quantile, axis=1, keepdims=True)
    of_channel = np.full((count, length, depth), _BELOW)
    places = np.argwhere(np.repeat(above[..., np.newaxis], depth, axis=2))
    of_channel[above] = _scaled(changes(mapped, original, inputs, filling, places).reshape(-1, depth))
    return np.asarray(of_time[..., np.newaxis] * of_channel, np.float32)


def fits(axes: Sequence[int], **parameters: object) -> None:
    """Refuse images.

    Raises:
        InputError: an example has more than one axis beside its channels.
    """
    masks.require_series(axes, "temporal_saliency_rescaling")


def changes(
    mapped: Any,
    original: NDArray[np.float64],
    inputs: NDArray[np.float32],
    filling: NDArray[np.float32],
    places: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return how much the map changes when each place takes its baseline: (places,).

    Args:
        mapped: (inputs, their rows) -> maps.
        original: maps of the inputs, (N, time, channels).
        inputs, filling: (N, time, channels).
        places: (places, 2): example and step; or (places, 3): and channel.
    """
    found, told = np.empty(len(places)), time.monotonic()
    for start in range(0, len(places), _COPIES):
        part = slice(start, start + _COPIES)
        rows, *place = places[part].T
        copies = inputs[rows]
        numbers = np.arange(len(rows))
        copies[(numbers, *place)] = filling[(rows, *place)]
        found[part] = np.abs(mapped(copies, rows) - original[rows]).sum((1, 2))
        if time.monotonic() - told > _SECONDS:
            told = time.monotonic()
            logger.info("temporal_saliency_rescaling: %d of %d copies are explained", start + len(rows), len(places))
    return found


def _scaled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values of each row scaled to 0-1; 1 where all are equal and above zero."""
    low, high = values.min(1, keepdims=True), values.max(1, keepdims=True)
    return np.where(high > low, (values - low) / np.where(high > low, high - low, 1), np.where(high > 0, 1.0, 0.0))
