"""Guided backpropagation: a modified gradient, in which ReLUs pass positive gradients at positive inputs alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.explain.base import MethodSpec
from pellucid.network.explained_model import ExplainedModel

SPEC = MethodSpec(
    title="Guided backpropagation",
    family="gradient",
    paper="Springenberg JT, Dosovitskiy A, Brox T, Riedmiller M. Striving for Simplicity: The All Convolutional Net. "
    "arXiv:1412.6806 (2014), section 3.4. Adebayo et al. 2018 show that it depends little on the class and the weights",
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
    """Return the gradient of the target's logit; each ReLU passes positive gradients at positive inputs.

    It depends little on the class and on the weights, as Adebayo et al. (2018) show.

    Returns:
        (N, *input_shape).

    Raises:
        InputError: the model has no ReLU, or a ReLU to which the rule cannot be applied.
    """
    return model.gradient(inputs, targets, relu="guided")
