"""Attention weights: how much each time step counts for the network itself, whatever the class."""

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
    paper="Yang Z, Yang D, Dyer C, He X, Smola A, Hovy E. Hierarchical Attention Networks for Document Classification. "
    "NAACL (2016), equation 6. That such weights need not be what the prediction rests on: Jain S, Wallace BC. "
    "Attention is not Explanation. NAACL (2019)",
    unit="weight",
    per_channel=False,
    signed=False,
    requires=("attention",),
)


def explain(
    model: ExplainedModel, inputs: NDArray[np.float32], targets: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """The weights of the time steps, interpolated over the samples and repeated for every channel: (N, *input_shape).

    A weight belongs to the centre of the samples that make its step. The targets are not looked at: there is one
    attention for all classes. Through the LSTM a step also knows of those before it.
    """
    weights = model.activations(inputs, "attention_weights")
    # The steps are those of the last layer whose units have a place: behind it, the LSTM mixes all.
    steps = model.places.last_maps
    places = model.places.fields[steps].place if steps is not None else None
    if places is None or places.spans[0].units != weights.shape[1]:
        raise InputError.unexpected(
            "attention_weights", f"{weights.shape[1]} steps at no known place", "one for every unit of a layer"
        )
    return np.repeat(lay_on_input(weights, places.spans)[..., np.newaxis], inputs.shape[-1], axis=-1)
