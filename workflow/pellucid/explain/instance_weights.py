"""Instance weights: the weight that a multiple-instance network gives each window, the same for all classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.explain.base import MethodSpec
from pellucid.network.explained_model import ExplainedModel

SPEC = MethodSpec(
    title="Instance weights",
    family="intrinsic",
    paper="Ilse M, Tomczak JM, Welling M. Attention-based Deep Multiple Instance Learning. ICML (2018), equation 9",
    unit="weight",
    per_channel=False,
    signed=False,
    requires=("instances",),
)


def explain(
    model: ExplainedModel, inputs: NDArray[np.float32], targets: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the weight of the window in which a sample lies, repeated for every channel: (N, *input_shape).

    The weights do not depend on the target.
    """
    weights = model.activations(inputs, "instance_weights")
    window = model.activations(inputs[:1], "windows").shape[2]
    steps = np.repeat(weights, window, axis=1)[:, : inputs.shape[1]]  # the last window may reach beyond the series
    return np.repeat(steps[..., np.newaxis], inputs.shape[-1], axis=-1)
