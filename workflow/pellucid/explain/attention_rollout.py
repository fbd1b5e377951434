"""Attention rollout: the attention of all blocks multiplied, from the input to where the classes are read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.explain.base import MethodSpec
from pellucid.explain.shared.token_matrices import laid_on_input, relevance, require_token_graph
from pellucid.network.explained_model import ExplainedModel

SPEC = MethodSpec(
    title="Attention rollout",
    family="intrinsic",
    paper="Abnar S, Zuidema W. Quantifying Attention Flow in Transformers. ACL (2020), equation 1",
    unit="weight",
    per_channel=False,
    signed=False,
    requires=("self_attention",),
)
suits = require_token_graph


def explain(
    model: ExplainedModel, inputs: NDArray[np.float32], targets: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the share of each token in the tokens that the classes are read from: (N, *input_shape).

    Heads are averaged. If a block's attention A is added to the tokens that it came from, both count half: (A + I) / 2.
    If the classes are read from the mean of all tokens, the share is a mean over them too. Each token's value lies at
    the middle of its samples, with linear interpolation between them. The map is the same for every target.

    Raises:
        InputError: the way of the tokens through the model is not known.
    """

    def of_batch(batch: slice) -> NDArray[np.float32]:
        attention = [weights.mean(1, dtype=np.float64) for weights in model.attention(inputs[batch])]
        return relevance(model.token_graph, attention, mean=True, identity=True)

    return laid_on_input(model, len(inputs), of_batch)
