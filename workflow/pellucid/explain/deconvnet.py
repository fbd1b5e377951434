"""Deconvnet: a modified gradient, in which each ReLU passes the positive part of the gradient, for any input."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.explain.base import MethodSpec
from pellucid.network.explained_model import ExplainedModel

SPEC = MethodSpec(
    title="Deconvnet",
    family="gradient",
    paper="Zeiler MD, Fergus R. Visualizing and Understanding Convolutional Networks. ECCV (2014), section 2; as a "
    "modified gradient in Springenberg et al. 2014, section 3.4",
    unit="modified ∂ logit / ∂ input",
    per_channel=True,
    signed=True,
    is_gradient=True,
    checks=("coverage",),
    requires=("relu",),
)


def explain(
    model: ExplainedModel, inputs: NDArray[np.float32], targets: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the gradient of the target's logit; each ReLU passes positive gradients at any input: (N, *input_shape).

    Raises:
        InputError: the model has no ReLU, or a ReLU to which the rule cannot be applied.
    """
    return model.gradient(inputs, targets, relu="deconvnet")
