"""Published scores of learned masks on rare feature and rare time, beside those of the masks here.

The tables, the process and the scores are those of `published`. The compared outputs are the sums of x² at each of the
50 steps, as published. All series of a fold have the same evidence here, so that one model has these outputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tests.bench import published

if TYPE_CHECKING:
    import keras

# As published: the largest of the 50 areas up to 0.05 has the smallest error of all, and is the one that is shown.
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "Dynamask": ("dynamask", {"areas": [0.05], "perturbation": "gaussian_blur"}),
    "ExtremalMask": ("extremal_mask", {"network": "gru", "rate": 0.1, "iterations": 300}),
}
PUBLISHED = {
    "rare feature": {"Dynamask": (0.957, 0.656, 6417, 219), "ExtremalMask": (0.992, 0.756, 12630, 46)},
    "rare time": {"Dynamask": (0.903, 0.652, 3796, 480), "ExtremalMask": (0.993, 0.820, 15118, 12)},
}


def black_box(truth: NDArray[np.bool_]) -> keras.Model:
    """Return the model of the sum of x² over the evidence at each step: (N, 50, 50) to (N, 50)."""
    import keras

    inputs = keras.Input(truth.shape)
    return keras.Model(inputs, keras.ops.sum(keras.ops.square(inputs) * truth.astype(np.float32), axis=-1))


def measured(table: str, method: str, folds: int = published.FOLDS) -> NDArray[np.float64]:
    """Return the scores of a method in each fold: (folds, 4)."""
    import pellucid

    rng = np.random.default_rng([1, list(published.PUBLISHED).index(table)])
    name, parameters = METHODS[method]
    found = []
    for fold in range(folds):
        x, truth = published.series(published.SERIES, rng), published.evidence(table, 1, rng)[0]
        # All outputs are compared; the named one only has to be one that is not constant.
        step = int(truth.any(1).argmax())
        explained = pellucid.explain(
            black_box(truth), x, name, task="regression", target=step, seed=fold, compare="all", **parameters
        )
        found.append(published.scores(explained.attributions, np.repeat(truth[np.newaxis], len(x), axis=0)))
    return np.array(found)
