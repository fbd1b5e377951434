"""Average drop, increase and gain: the probability of the class when the input is masked by its explanation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np

from pellucid.score.base import Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared import contrasts, fills
from pellucid.score.shared.masks import drop_of, mask_of, masked
from pellucid.tasks import MULTI_LABEL, SINGLE_LABEL

# Changes of a probability in float32 below this are rounding.
_ROUNDING = 1e-6

SPEC = ScoreSpec(
    title="Average drop and increase",
    family="faithfulness",
    about="Each input is multiplied by its map (the evidence for the class as a share of the strongest; for unsigned "
    "maps, the absolute values). So only what the map shows is left; the rest becomes a baseline. Average drop: how "
    "much of the probability is lost, as a share of it; 0 if the probability rises. Increase: the share of examples "
    "whose probability rises. Gain: the rise, as a share of the distance from the probability to 1. These metrics "
    "favour wide maps: a map of equal values leaves the input unchanged and has no drop. Read them with `adcc`, which "
    "also asks for small maps, and with the controls. A contrast has no probability, so they are not defined for it.",
    paper="Chattopadhay A, Sarkar A, Howlader P, Balasubramanian VN. Grad-CAM++: Generalized Gradient-based Visual "
    "Explanations for Deep Convolutional Networks. WACV (2018), section 4.1, average drop and increase in confidence; "
    "gain: Zhang H, Torres F, Sicre R, Avrithis Y, Ayache S. Opti-CAM: Optimizing Saliency Maps for Interpretability. "
    "CVIU 248 (2024), average gain",
    metrics={
        "average_drop": Metric("Average drop", "lower", 0, 1),
        "increase": Metric("Increase in confidence", "higher", 0, 1, proportion=True),
        "average_gain": Metric("Average gain", "higher", 0, 1),
    },
    needs_model=True,
    needs_training=True,
    tasks=(SINGLE_LABEL, MULTI_LABEL),
)


def score(
    explanation: Explanation,
    case: ScoreContext,
    rng: np.random.Generator,
    *,
    baselines: Annotated[Sequence[str], fills.baselines_field(fills.FIXED)] = ("zero",),
) -> ScoreResult:
    """Return the three metrics for each baseline; NaN for a contrast.

    Raises:
        InputError: see `fills.filling`.
    """
    assert case.model is not None
    everything = np.arange(len(case.inputs))
    whole = case.model.output(case.inputs, case.targets)
    mask = mask_of(explanation, explanation.attributions)
    streams = dict(zip(fills.FIXED, rng.spawn(len(fills.FIXED)), strict=True))
    values = {}
    for name in baselines:
        left = masked(case, everything, mask, fills.filling(case, name, streams[name]))
        after = case.model.output(left, case.targets)
        rise = np.maximum(after.astype(np.float64) - whole, 0)
        values[f"average_drop.{name}"] = drop_of(whole, after)
        values[f"increase.{name}"] = (rise > _ROUNDING).astype(np.float64)
        values[f"average_gain.{name}"] = rise / np.where(whole < 1, 1 - whole, 1)
    known = {name: contrasts.left_out(case.targets, value) for name, value in values.items()}
    return ScoreResult(SPEC.in_order(known), note=contrasts.note(case.targets))
