"""VarGrad: the variance of the gradient over noisy copies of the input."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.explain.base import MethodSpec
from pellucid.explain.shared.noise import Noise, Samples, moments
from pellucid.network.explained_model import ExplainedModel

SPEC = MethodSpec(
    title="VarGrad",
    family="gradient",
    paper="Adebayo J, Gilmer J, Goodfellow I, Kim B. Local Explanation Methods for Deep Neural Networks Lack "
    "Sensitivity to Parameter Values. arXiv:1810.03307 (2018)",
    unit="variance of ∂ logit / ∂ input",
    per_channel=True,
    signed=False,
    checks=("coverage",),
    of_numbers=False,
)


def explain(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    samples: Samples = 50,
    noise: Noise = 0.15,
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return the unbiased variance over noisy copies of the gradient of the target's logit: (N, *input_shape)."""
    mean, square = moments(model, inputs, targets, rng, samples, noise, measured)
    # Rounding may make a variance of zero slightly negative.
    return np.maximum((square - mean**2) * samples / (samples - 1), 0).astype(np.float32)
