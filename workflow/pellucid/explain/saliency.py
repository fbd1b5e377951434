"""Saliency map: the gradient of the class logit with respect to the input."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.errors import InputError
from pellucid.explain.base import MethodSpec, When, on_measured
from pellucid.explain.shared import domains
from pellucid.explain.shared.domains import fits
from pellucid.network.explained_model import ExplainedModel

__all__ = ["SPEC", "check", "explain", "fits"]

SPEC = MethodSpec(
    title="Saliency",
    family="gradient",
    paper="Simonyan K, Vedaldi A, Zisserman A. Deep Inside Convolutional Networks: Visualising Image Classification "
    "Models and Saliency Maps. arXiv:1312.6034 (2013), section 3",
    unit="∂ logit / ∂ input",
    per_channel=True,
    signed=When("mode", "signed"),
    is_gradient=True,
    checks=("coverage",),
)


def explain(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    mode: Annotated[
        Literal["absolute", "signed", "positive"],
        Field(
            description="absolute: the size of the gradient, as in the paper. signed: the gradient. positive: its "
            "positive part"
        ),
    ] = "absolute",
    domain: domains.Domain = "time",
    frame: domains.Frame = "auto",
    bands: domains.Bands = 8,
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return the gradient of the target's logit, without the paper's maximum over channels: (N, *input_shape).

    In another domain, return the length (Euclidean norm) of the gradient with respect to each coefficient, (N, *cells
    of the map). The gradient at values that were not measured is left out.
    """
    if domain != "time":
        space = domains.opened(model, inputs.shape[1:], domain=domain, frame=frame, bands=bands)
        assert space.transform is not None
        of_signal = on_measured(model.gradient(inputs, targets), measured)
        return space.sizes(space.transform.adjoint(of_signal)).astype(np.float32)
    gradient = model.gradient(inputs, targets)
    if mode == "absolute":
        return np.abs(gradient)
    return np.maximum(gradient, 0) if mode == "positive" else gradient


def check(*, mode: str, domain: str, **others: object) -> None:
    """Refuse the sign of a gradient with respect to a coefficient: it has a phase instead of a sign.

    Raises:
        InputError: another mode than absolute, in another domain than time.
    """
    if domain != "time" and mode != "absolute":
        problem = f'"{mode}" in domain {domain}'
        hint = "A coefficient has a phase and no sign; gradient_input and integrated_gradients have a sign there."
        raise InputError.unexpected("saliency.mode", problem, "absolute", hint)
