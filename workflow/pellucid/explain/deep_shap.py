"""Deep SHAP: DeepLIFT's rescale rule, averaged over a background of training examples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.explain.base import MethodSpec
from pellucid.explain.shared import backgrounds
from pellucid.messages import comma_list
from pellucid.network.explained_model import ExplainedModel
from pellucid.targets import along_outputs

SPEC = MethodSpec(
    title="Deep SHAP",
    family="Shapley",
    paper="Lundberg SM, Lee SI. A unified approach to interpreting model predictions. NeurIPS (2017), section 4.2; "
    "multipliers by the rescale rule of Shrikumar A, Greenside P, Kundaje A. Learning important features through "
    "propagating activation differences. ICML (2017), section 3.5.1",
    unit="share of the logit",
    per_channel=True,
    signed=True,
    checks=("coverage", "completeness"),
    requires=("rescale_rule",),
    needs_training=True,
)

# The values are wrong if their sum misses the change of the logit by more than this share of the changes' mean size.
_TOLERANCE = 0.01
_ALTERNATIVES = "Use gradient_shap or integrated_gradients (any layer that has a gradient), or kernel_shap (any model)."


def explain(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    training: NDArray[np.float32],
    background: backgrounds.Background = 50,
) -> NDArray[np.float32]:
    """Return the mean over background rows of (input - row) × multiplier: (N, *input_shape).

    The values of an example sum to the target's logit minus its mean over the background.

    Args:
        model: the trained model.
        inputs: (N, *input_shape).
        targets: (N,).
        rng: draws the background.
        training: (M, *input_shape), the examples from which the background is drawn.
        background: number of rows to draw.

    Raises:
        InputError: an operation of the model has no DeepLIFT rule, or the values do not sum to the change of the logit.
    """
    rows = backgrounds.drawn(training, background, rng)
    if len(inputs) == 0:
        return np.zeros(inputs.shape, np.float32)
    _check_operations(model)
    attributions = model.contributions(inputs, rows, targets)
    _check_sum(model, inputs, targets, rows, attributions)
    return attributions.astype(np.float32)


# The logits from which the attributions count the change.
expected = backgrounds.expected


def _check_operations(model: ExplainedModel) -> None:
    """Refuse a model with an operation that has no DeepLIFT rule, and name its layer."""
    unsupported = [operation for operation in model.operations if not operation.fits]
    if unsupported:
        first = unsupported[0].layer
        kind = f" ({type(model.layers[first]).__name__})" if first in model.layers else ""
        kinds = dict.fromkeys(operation.kind for operation in unsupported if operation.layer == first)
        raise InputError.unexpected(
            f"deep_shap: layer {first}{kind}",
            f"operations without a DeepLIFT rule ({comma_list(kinds)})",
            "layers such as Conv, Dense, BatchNormalization, MaxPooling, AveragePooling, and element-wise activations",
            _ALTERNATIVES,
        )


def _check_sum(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    rows: NDArray[np.float32],
    attributions: NDArray[np.float64],
) -> None:
    """Refuse attributions that do not sum to the change of the logit: a rule is wrong for the model."""
    at_rows = along_outputs(model.scores(rows).astype(np.float64), targets)
    at_input = model.score(inputs, targets).astype(np.float64)
    residual = np.abs(attributions.sum(tuple(range(1, attributions.ndim))) - (at_input - at_rows.mean(0)))
    # The changes from single rows can be large and cancel out, so the limit depends on their size, not on their mean.
    allowed = _TOLERANCE * np.abs(at_input - at_rows).mean(0) + 1e-5 * np.abs(at_rows).max()
    if (residual > allowed).any():
        worst = int(np.argmax(residual - allowed))
        raise InputError.unexpected(
            "deep_shap",
            f"values of example {worst} whose sum differs from the change of the logit by {residual[worst]:.3g}",
            f"at most {allowed[worst]:.3g} (a DeepLIFT rule is wrong for a layer of this model)",
            _ALTERNATIVES,
        )
