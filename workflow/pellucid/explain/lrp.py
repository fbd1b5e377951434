"""LRP: pass the logit back layer by layer; each unit divides its relevance among its inputs."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.errors import InputError
from pellucid.explain.base import MethodSpec
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.lrp_rules import Rule, Rules

SPEC = MethodSpec(
    title="LRP",
    family="relevance",
    paper="Bach S, Binder A, Montavon G, Klauschen F, Müller KR, Samek W. On Pixel-Wise Explanations for Non-Linear "
    "Classifier Decisions by Layer-Wise Relevance Propagation. PLoS ONE 10:e0130140 (2015), equations 56 to 60; rules "
    "by depth: Montavon G, Binder A, Lapuschkin S, Samek W, Müller KR. Layer-Wise Relevance Propagation: An Overview. "
    "Explainable AI (2019), table 10.1; gates: Arras L et al. Explaining and Interpreting LSTMs. Explainable AI "
    "(2019); attention: Achtibat R et al. AttnLRP: Attention-Aware Layer-Wise Relevance Propagation for Transformers. "
    "ICML (2024)",
    unit="share of the logit",
    per_channel=True,
    signed=True,
    checks=("coverage",),
    requires=("relevance_rule",),
)

# The rules of the first layer, other convolutions and dense layers, and alpha; the names are those of zennit.
_COMPOSITES: dict[str, tuple[Rule, Rule, Rule, float]] = {
    "epsilon": ("epsilon", "epsilon", "epsilon", 2),
    "epsilon_plus": ("alpha_beta", "alpha_beta", "epsilon", 1),
    "epsilon_plus_flat": ("flat", "alpha_beta", "epsilon", 1),
    "epsilon_alpha2_beta1": ("alpha_beta", "alpha_beta", "epsilon", 2),
    "epsilon_alpha2_beta1_flat": ("flat", "alpha_beta", "epsilon", 2),
    "epsilon_gamma_box": ("z_box", "gamma", "epsilon", 2),
}
_Depth = Literal["composite", "epsilon", "gamma", "alpha_beta", "flat", "w2", "z_box"]
_Inner = Literal["composite", "epsilon", "gamma", "alpha_beta", "flat", "w2"]


def explain(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    composite: Annotated[
        Literal[
            "epsilon",
            "epsilon_plus",
            "epsilon_plus_flat",
            "epsilon_alpha2_beta1",
            "epsilon_alpha2_beta1_flat",
            "epsilon_gamma_box",
        ],
        Field(
            description="rules by depth, named as in zennit. Dense layers have epsilon. Convolutions have epsilon, "
            "plus (alpha 1), alpha 2 or gamma. The first layer can have flat or box"
        ),
    ] = "epsilon_plus",
    first: Annotated[_Depth, Field(description="rule of the first layers, which see the input")] = "composite",
    convolution: Annotated[_Inner, Field(description="rule of the other convolutions")] = "composite",
    dense: Annotated[_Inner, Field(description="rule of the other dense layers")] = "composite",
    epsilon: Annotated[
        float,
        Field(
            gt=0, le=1000, description="number that is added to the size of every denominator; it takes relevance away"
        ),
    ] = 1e-6,
    gamma: Annotated[
        float,
        Field(
            ge=0,
            le=1000,
            description="for the rule gamma: how much more the parts count that have the sign of the output",
        ),
    ] = 0.25,
    alpha: Annotated[
        Annotated[float, Field(ge=1, le=1000)] | Literal["composite"],
        Field(description="for the rule alpha_beta: weight of the positive parts; beta is alpha - 1"),
    ] = "composite",
    low: Annotated[
        float, Field(ge=-1e30, le=1e30, description="for z_box: smallest value that an input can have")
    ] = 0.0,
    high: Annotated[
        float, Field(ge=-1e30, le=1e30, description="for z_box: largest value that an input can have")
    ] = 1.0,
) -> NDArray[np.float32]:
    """Return the relevance of every value for the target's logit: (N, *input_shape).

    With the rule epsilon everywhere and no biases, the values sum to the logit; in a network of ReLUs they are gradient
    × input. Biases take a part of the relevance, so the sum lacks this part. A softmax inside the network does not keep
    the sum.

    Raises:
        InputError: an operation of the model has no rule, or z_box meets inputs outside of `low` to `high`.
    """
    rules = _rules(composite, first, convolution, dense)
    if rules.first == "z_box" and inputs.size and not low <= inputs.min() <= inputs.max() <= high:
        raise InputError.unexpected(
            "lrp",
            f"inputs from {inputs.min():.4g} to {inputs.max():.4g}, and z_box for {low:g} to {high:g}",
            "lrp.low below all inputs, and lrp.high above them",
            "Or take another rule for the first layer.",
        )
    strength = _COMPOSITES[composite][3] if alpha == "composite" else float(alpha)
    rules = rules._replace(epsilon=epsilon, gamma=gamma, alpha=strength, low=low, high=high)
    return model.relevance(inputs, targets, rules)[0]


def check(
    *, composite: str, first: _Depth, convolution: _Inner, dense: _Inner, low: float, high: float, **others: object
) -> None:
    """Refuse a range of inputs that is empty.

    Raises:
        InputError: z_box would be used, and `low` is not below `high`.
    """
    if _rules(composite, first, convolution, dense).first == "z_box" and low >= high:
        raise InputError.unexpected("lrp.low", f"{low:g}", f"less than lrp.high, {high:g}")


def _rules(composite: str, first: _Depth, convolution: _Inner, dense: _Inner) -> Rules:
    """Return the rules of a composite, with those replaced that the user sets."""
    rules = _COMPOSITES[composite]
    return Rules(
        rules[0] if first == "composite" else first,
        rules[1] if convolution == "composite" else convolution,
        rules[2] if dense == "composite" else dense,
    )
