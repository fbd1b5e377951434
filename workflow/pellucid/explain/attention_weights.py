"""Attention weights: the weight that the network's attention layer gives each time step, the same for all classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.explain.base import MethodSpec
from pellucid.explain.shared.upsampling import lay_on_input
from pellucid.network.explained_model import ExplainedModel

SPEC = MethodSpec(
    title="Attention weights",
    family="intrinsic",
    paper="Yang Z, Yang D, Dyer C, He X, Smola A, Hovy E. Hierarchical Attention Networks for Document "
    "Classification. NAACL (2016), equation 6. On their limits: Jain S, Wallace BC. Attention is not Explanation. "
    "NAACL (2019)",
    unit="weight",
    per_channel=False,
    signed=False,
    requires=("attention",),
)


def explain(
    model: ExplainedModel, inputs: NDArray[np.float32], targets: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the weights of the time steps, interpolated over time and repeated for every channel: (N, *input_shape).

    A weight lies at the centre of the samples of its step. The weights do not depend on the target. Because of the
    LSTM, a step also contains information of earlier steps.

    Raises:
        InputError: the weights cannot be assigned to samples.
    """
    weights = model.activations(inputs, "attention_weights")
    # The steps are the units of the last layer before the LSTM, which mixes all of them.
    steps = model.places.last_maps
    places = model.places.fields[steps].place if steps is not None else None
    if places is None or places.spans[0].units != weights.shape[1]:
        problem = f"the {weights.shape[1]} attention weights cannot be assigned to samples of the input."
        raise InputError("attention_weights", problem)
    return np.repeat(lay_on_input(weights, places.spans)[..., np.newaxis], inputs.shape[-1], axis=-1)
