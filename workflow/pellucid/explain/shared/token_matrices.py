"""Multiply the attention matrices of a network from its tokens to the place where they are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pellucid.batching import slices
from pellucid.explain.shared.upsampling import lay_on_input
from pellucid.network import token_graph
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.token_graph import TokenGraph

# A matrix (N, tokens, tokens) as share × identity + rest: the share came along the residual connections alone.
_Matrix = tuple[float, NDArray[np.float64] | float]


def require_token_graph(model: ExplainedModel) -> None:
    """Refuse a model whose tokens are mixed, or read, in a way that attention does not describe.

    Raises:
        InputError: with what the tokens go through.
    """
    token_graph.read(model.places)


def relevance(
    graph: TokenGraph, attention: Sequence[NDArray[np.floating]], *, mean: bool, identity: bool
) -> NDArray[np.float32]:
    """Return how much each token counts where the tokens are read: (N, tokens).

    Args:
        graph: the way of the tokens.
        attention: a matrix for each attention layer: (N, tokens that get, tokens that give).
        mean: whether matrices are averaged where tokens are added; otherwise they are summed.
        identity: whether the part counts that a token passes on along the residual connections alone.
    """
    matrices: list[_Matrix] = [(1.0, 0.0)]
    for step in graph.steps:
        sources = [matrices[source] for source in step.sources]
        if step.attention is not None:
            ((share, rest),) = sources
            weights = np.asarray(attention[step.attention], np.float64)
            matrices.append((0.0, share * weights + (weights @ rest if np.ndim(rest) else 0.0)))
        else:
            factor = 1 / len(sources) if mean else 1.0
            rests = [factor * rest for _, rest in sources]
            matrices.append((factor * sum(share for share, _ in sources), sum(rests[1:], rests[0])))
    share, rest = matrices[graph.last]
    whole = np.asarray(rest) + (share * np.eye(graph.span.units) if identity else 0.0)
    read: NDArray[np.float64] = whole.mean(1) if graph.token is None else whole[:, graph.token]
    return read.astype(np.float32)


def laid_on_input(
    model: ExplainedModel, number: int, of_batch: Callable[[slice], NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Return the relevance of the tokens of all examples on the input, the same for all channels: (N, *input_shape).

    Args:
        model: with a token graph.
        number: of examples.
        of_batch: relevance of the tokens (B, tokens) of some examples, whose attention is held in memory.
    """
    parts = [of_batch(batch) for batch in slices(number, model.batch_size(backward=True))]
    on_time = lay_on_input(np.concatenate(parts), (model.token_graph.span,))
    return np.repeat(on_time[..., np.newaxis], model.input_shape[-1], axis=-1)
