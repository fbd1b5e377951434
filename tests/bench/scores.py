"""Deletion, insertion and max-sensitivity of 16 explanations, against a published time of pixel flipping."""

from __future__ import annotations

import numpy as np

from pellucid.network import runtime
from tests.bench.timing import row, seconds

# Quantus 0.6, pixel flipping of four inputs of 300 × 9 on two cores: it removes one value after the other, and asks the
# model for one input at a time. It cannot be installed beside Keras 3, so that its time is not taken here.
_PEER, _PEER_INPUTS = 232.0, 4
_INPUTS, _STEPS = 16, 50


def main() -> None:
    """16 inputs of 300 × 9 on the multivariate network, explained by saliency."""
    runtime.start(2)
    import keras

    from pellucid.explain import saliency
    from pellucid.models.multivariate_cnn import build
    from pellucid.network.explained_model import ExplainedModel
    from pellucid.score import deletion_insertion, sensitivity
    from pellucid.score.base import Explanation, ScoreContext

    keras.utils.set_random_seed(1)
    model = ExplainedModel(build((300, 9), 6))
    rng = np.random.default_rng(0)
    inputs, targets = rng.random((_INPUTS, 300, 9), np.float32), np.arange(_INPUTS) % 6

    def again(inputs: object, targets: object, seed: object = None) -> object:
        return saliency.explain(model, inputs, targets, np.random.default_rng(0))  # type: ignore[arg-type]

    def case() -> ScoreContext:
        data_info = {"kind": "series", "classes": list("abcdef")}
        return ScoreContext(data_info=data_info, inputs=inputs, targets=targets, labels=targets, model=model, seed=1)

    explanation = Explanation("saliency", "saliency", again(inputs, targets), re_explain=again)  # type: ignore[arg-type]

    def curves(unit: str, steps: int) -> None:
        deletion_insertion.score(
            explanation, case(), np.random.default_rng(0), unit=unit, steps=steps, baselines=["zero"]
        )

    def moved() -> None:
        sensitivity.score(explanation, case(), np.random.default_rng(0), examples="all")

    def both() -> None:
        curves("sample", _STEPS)
        moved()

    both()
    peer = _PEER * _INPUTS / _PEER_INPUTS
    together, alone, every = (
        seconds(both),
        seconds(lambda: curves("sample", _STEPS)),
        seconds(lambda: curves("value", 2700)),
    )
    print(f"Scores of {_INPUTS} explanations of 300 × 9 ({keras.version()})")
    row("", "seconds", "ratio")
    row("pixel flipping, published for 4 inputs, times 4", peer, "")
    row(f"deletion + insertion, {_STEPS} steps, + max-sensitivity", together, f"{peer / together:.0f} × faster")
    row(f"deletion + insertion alone, {_STEPS} steps", alone, f"{peer / alone:.0f} × faster")
    row("deletion + insertion, one value after the other", every, f"{peer / every:.0f} × faster")
    print()
