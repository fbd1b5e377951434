"""Attention × gradient: attention that raises the target's score, multiplied through all blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.explain.base import MethodSpec
from pellucid.explain.shared.token_matrices import laid_on_input, relevance, require_token_graph
from pellucid.network.explained_model import ExplainedModel

SPEC = MethodSpec(
    title="Attention × gradient",
    family="class activation",
    paper="Chefer H, Gur S, Wolf L. Generic Attention-model Explainability for Interpreting Bi-Modal and "
    "Encoder-Decoder Transformers. ICCV (2021), equations 5 and 6",
    unit="weighted attention (logit)",
    per_channel=False,
    signed=False,
    requires=("self_attention",),
)
suits = require_token_graph


def explain(
    model: ExplainedModel, inputs: NDArray[np.float32], targets: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return how much attention to each token raises the target's score: (N, *input_shape).

    For each block, the positive part of attention × gradient is averaged over heads (equation 5). The results are
    accumulated from block to block: R + A R where attention is added to the tokens that it came from (equation 6).
    Along these connections alone, every token contributes 1; this part is left out, since it is the same for all. Each
    token's value lies at the middle of its samples, with linear interpolation between them.

    Raises:
        InputError: the way of the tokens through the model is not known.
    """

    def of_batch(batch: slice) -> NDArray[np.float32]:
        weights, gradients = model.attention_and_gradient(inputs[batch], targets[batch])
        raising = [
            np.maximum(np.float64(1) * weight * gradient, 0).mean(1)
            for weight, gradient in zip(weights, gradients, strict=True)
        ]
        return relevance(model.token_graph, raising, mean=False, identity=False)

    return laid_on_input(model, len(inputs), of_batch)
