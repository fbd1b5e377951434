"""FullGrad: gradient × input, and the part of every bias at the position where it is added."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.explain.base import MethodSpec
from pellucid.explain.shared.upsampling import divide_on_input
from pellucid.network.explained_model import ExplainedModel

SPEC = MethodSpec(
    title="FullGrad",
    family="gradient",
    paper="Srinivas S, Fleuret F. Full-Gradient Representation for Neural Network Visualization. NeurIPS (2019), "
    "proposition 1 and section 3.2",
    unit="share of the logit",
    per_channel=True,
    signed=True,
    checks=("coverage", "completeness"),
    requires=("rescale_rule",),
)

# The values are wrong if their sum misses the logit by more than this share of the sum of their sizes.
_TOLERANCE = 1e-3


def explain(
    model: ExplainedModel, inputs: NDArray[np.float32], targets: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return gradient × input and the biases' parts, laid on the input; they sum to the logit: (N, *input_shape).

    A bias of a feature map counts at every position of the map. Its part there is divided among the positions of the
    input by the interpolation that lays class activation maps on it, and equally among the channels. The part of
    biases without a position (of a dense layer) is divided equally among all values.

    The paper's figures show the sum of the sizes of these parts, each scaled to [0, 1]; here they keep their sign and
    unit, so that they add up.

    Raises:
        InputError: an operation of the model whose bias is not known, or a sum that is not the logit.
    """
    at_input, parts, rest = model.full_gradient(inputs, targets)
    attributions = at_input.astype(np.float64)
    depth, axes = inputs.shape[-1], tuple(range(1, inputs.ndim))
    for spans, part in parts:
        attributions += divide_on_input(part, spans)[..., np.newaxis] / depth
    attributions += (rest.astype(np.float64) / np.prod(inputs.shape[1:])).reshape(-1, *[1] * len(axes))
    sizes = sum((np.abs(part).sum(tuple(range(1, part.ndim))) for _, part in parts), np.abs(at_input).sum(axes))
    _require_sum(model.score(inputs, targets) - attributions.sum(axes), sizes + np.abs(rest))
    return attributions.astype(np.float32)


def _require_sum(residual: NDArray[Any], sizes: NDArray[Any]) -> None:
    """Refuse values that do not sum to the logit: the bias of an operation was misunderstood."""
    if len(residual) and (np.abs(residual) > _TOLERANCE * sizes + 1e-6).any():
        worst = int(np.argmax(np.abs(residual) - _TOLERANCE * sizes))
        raise InputError.unexpected(
            "full_grad",
            f"values of example {worst} whose sum misses the logit by {abs(residual[worst]):.3g}",
            f"at most {_TOLERANCE * sizes[worst]:.3g} (the bias of an operation of this model was misunderstood)",
            "Use integrated_gradients or gradient_shap, which take any layer that has a gradient.",
        )


def expected(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    **parameters: Any,
) -> NDArray[np.float64]:
    """Return the values from which the attributions count: zero, since they sum to the logit itself (N,)."""
    return np.zeros(len(inputs))
