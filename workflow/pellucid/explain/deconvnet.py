"""Deconvnet: the gradient, with ReLUs that let through what is positive on the way back, whatever came in."""

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
    """Gradient of the target's logit in which each ReLU passes positive gradients at any input: (N, *input_shape).

    Raises:
        InputError: the model has no ReLU, or one that cannot be given the rule (`rectifiers.py`).
    """
    return model.gradient(inputs, targets, relu="deconvnet")
