"""How much an explanation changes when its input changes a little: max-sensitivity and mean-sensitivity."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.batching import blocks
from pellucid.score.base import Explanation, Metric, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared.subset import ExampleCount, first_of_each, scatter_to_all

SPEC = ScoreSpec(
    title="Sensitivity to the input",
    family="robustness",
    about="Each example is changed several times by noise and explained again, for the same target. Sensitivity is the "
    "size (Euclidean norm) of the change of the attributions as a share of the size of the attributions; of all "
    "changes, the largest or the mean. The noise is uniform, at most a share of the range (maximum less minimum) of "
    "the channel in that example, and the same for every method. Not defined for attributions of zeros, and very "
    "large for those near zero. A map that never changes wins: 0 says that an explanation is steady, not that it "
    "explains.",
    paper="Yeh CK, Hsieh CY, Suggala A, Inouye DI, Ravikumar PK. On the (In)fidelity and Sensitivity of Explanations. "
    "NeurIPS (2019), definition 3.1 estimated by Monte Carlo; as a share of the norm",
    metrics={
        "max_sensitivity": Metric("Max-sensitivity", "lower", 0),
        "mean_sensitivity": Metric("Mean-sensitivity", "lower", 0),
    },
    needs_model=True,
    needs_method=True,
    of_numbers=False,
)


def score(
    explanation: Explanation,
    case: ScoreContext,
    rng: np.random.Generator,
    *,
    radius: Annotated[
        float,
        Field(
            gt=0,
            le=1_000,
            description="largest change of a value, as a share of the range of its channel in the example",
        ),
    ] = 0.02,
    samples: Annotated[int, Field(ge=1, le=1_000_000, description="changed copies of each example")] = 10,
    examples: ExampleCount = 2,
) -> ScoreResult:
    """Return both sensitivities of the scored examples; NaN for others, and for attributions that are all 0."""
    assert case.model is not None
    assert explanation.re_explain is not None
    scored = first_of_each(case.labels, examples)
    inputs, targets, maps = case.inputs[scored], case.targets[scored], explanation.attributions[scored]
    # All examples get the same patterns, so that a value does not depend on the other examples.
    patterns = rng.uniform(-1, 1, (samples, *inputs.shape[1:])).astype(np.float32)
    measured = case.measured_of(scored)
    reach = np.float32(radius) * ranges(inputs, **measured)
    size = _norm(maps)
    change = np.empty((samples, len(inputs)))
    for part, some in blocks(len(inputs), samples, case.model.batch_size()):
        near = inputs[part] + reach[part] * patterns[some, np.newaxis]
        copies = (len(near), *(1,) * (inputs.ndim - 1))
        near_measured = {name: np.tile(mask[part], copies) for name, mask in measured.items()}
        classes = np.tile(targets[part], len(near))
        near_maps = explanation.re_explain(near.reshape(-1, *inputs.shape[1:]), classes, **near_measured)
        change[some, part] = _norm(near_maps.reshape(near.shape) - maps[part], axes=2)
    share = np.where(size > 0, change / np.where(size > 0, size, 1), np.nan)
    values = {"max_sensitivity": share.max(0), "mean_sensitivity": share.mean(0)}
    return ScoreResult({name: scatter_to_all(value, scored, len(case.inputs)) for name, value in values.items()})


def ranges(inputs: NDArray[np.float32], measured: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
    """Return the maximum minus the minimum of each channel of each example: (N, 1, …, channels).

    With `measured`, of the inputs' shape, over the measured values, and in that shape with 0 for all other values.
    """
    if measured is not None:
        axes = tuple(range(1, inputs.ndim - 1))
        low, high = (np.where(measured, inputs, end) for end in (np.float32(np.inf), np.float32(-np.inf)))
        reach = high.max(axes, keepdims=True) - low.min(axes, keepdims=True)
        return np.where(measured, reach, np.float32(0))
    spread: NDArray[np.float32] = np.ptp(inputs, axis=tuple(range(1, inputs.ndim - 1)), keepdims=True)
    return spread


def _norm(maps: NDArray[np.float32], axes: int = 1) -> NDArray[np.float64]:
    """Return the Euclidean norm over all but the first `axes` axes."""
    flat = maps.reshape(*maps.shape[:axes], -1).astype(np.float64)
    return np.asarray(np.linalg.norm(flat, axis=-1))
