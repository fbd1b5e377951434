"""What is timed of layers and neurons, and a method with another setting, called as methods are."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid.explain.extremal_mask import explain as explain_extremal_mask
from pellucid.explain.shared import line
from pellucid.views.shared import layer_shares

UNIT = 3  # the filter, and its position on every axis, whose gradient and conductance are timed


def layer_conductance(model: Any, inputs: Any, targets: Any, rng: Any, *, layer: str, steps: int) -> Any:
    """Conductance of every unit of a layer from a baseline of zeros."""
    return layer_shares.shares(model, inputs, np.zeros_like(inputs), targets, layer, steps, "conductance")


def layer_integrated_gradients(model: Any, inputs: Any, targets: Any, rng: Any, *, layer: str, steps: int) -> Any:
    """Integrated gradients of a layer's output from what it is for zeros."""
    return layer_shares.shares(model, inputs, np.zeros_like(inputs), targets, layer, steps, "integrated_gradients")


def internal_influence(model: Any, inputs: Any, targets: Any, rng: Any, *, layer: str, steps: int) -> Any:
    """Mean gradient of the score with respect to every unit of a layer."""
    return layer_shares.shares(model, inputs, np.zeros_like(inputs), targets, layer, steps, "influence")


def neuron_gradient(model: Any, inputs: Any, targets: Any, rng: Any, *, layer: str) -> Any:
    """Gradient of one neuron."""
    return model.neuron_gradient(inputs, _units(inputs), layer)


def neuron_conductance(model: Any, inputs: Any, targets: Any, rng: Any, *, layer: str, steps: int) -> Any:
    """Conductance of one neuron, for every input value."""
    units = _units(inputs)

    def gradient(points: Any, rows: Any) -> Any:
        return model.neuron_gradient(points, units[rows], layer, targets[rows])

    size = model.batch_size(backward=True)
    return inputs * line.mean_gradient(inputs, np.zeros_like(inputs), steps, size, gradient)


def recurrent_extremal_mask(model: Any, inputs: Any, targets: Any, rng: Any, **parameters: Any) -> Any:
    """ExtremalMask whose perturbation a recurrent network makes."""
    return explain_extremal_mask(model, inputs, targets, rng, network="gru", **parameters)


def function_of(method: str) -> Callable[..., Any]:
    """Return the function of this page or of the method's own module."""
    return globals().get(method) or importlib.import_module(f"pellucid.explain.{method}").explain


def _units(inputs: Any) -> Any:
    return np.full((len(inputs), inputs.ndim - 1), UNIT)
