"""Published scores of three methods on a function whose evidence is known, beside those of the same methods here.

Rare feature and rare time: Crabbé J, van der Schaar M. Explaining Time Series Predictions with Dynamic Masks. ICML
(2021), section 5.1. The published numbers, the process, the masks and the scores are those of the repository
josephenguehard/time_interpret (experiments/arma, tint/datasets/arma.py, tint/metrics/white_box).

The function is the sum of x² over the true evidence. Integrated gradients are x² there in closed form, and occlusion of
one value by its channel's mean is x² - mean², so that the scores depend on nothing but the series.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.score.precision_recall import areas_of

if TYPE_CHECKING:
    import keras

FOLDS, SERIES, LENGTH, RARE = 5, 10, 50, 5
# How often the five folds are drawn here. Five folds alone do not say how far their mean varies: the standard deviation
# of five numbers is easily wrong by half.
DRAWS = 8
SCORES = ("AUP", "AUR", "information", "entropy")
# y_t = e_t - Σ_k a_k y_{t-k}: 2 y_t + 0.5 y_{t-1} + 0.2 y_{t-2} + 0.1 y_{t-3} = 2 e_t, divided by 2.
_PAST = (0.25, 0.1, 0.05)
# Steps after which nothing is left of the start from zeros.
_START = 200
# What the published scores add where they divide or take a logarithm.
_TINY = 1e-5
# One value at a time is covered in occlusion and permutation, as published.
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "integrated gradients": ("integrated_gradients", {"baseline": "zero"}),
    "occlusion": ("occlusion", {"baseline": "mean", "window": 1}),
    "permutation": ("occlusion", {"baseline": "shuffled", "window": 1}),
}
# AUP, AUR, information in bits, entropy in bits; means of 5 folds of 10 series.
PUBLISHED = {
    "rare feature": {
        "integrated gradients": (1.000, 0.135, 464, 494),
        "occlusion": (1.000, 0.134, 462, 490),
        "permutation": (1.000, 0.163, 541, 579),
    },
    "rare time": {
        "integrated gradients": (1.000, 0.125, 443, 469),
        "occlusion": (1.000, 0.124, 441, 465),
        "permutation": (1.000, 0.148, 498, 543),
    },
}
# Of a method, series (count, 50, 50), their evidence and a seed: the maps.
Explained = Callable[[str, NDArray[np.float32], NDArray[np.bool_], int], NDArray[np.float32]]


def series(count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw series of the autoregressive process: (count, 50 steps, 50 features), features independent."""
    noise = rng.standard_normal((count, _START + LENGTH, LENGTH))
    values = np.zeros_like(noise)
    for step in range(noise.shape[1]):
        values[:, step] = noise[:, step]
        for lag, weight in enumerate(_PAST[:step], 1):
            values[:, step] -= weight * values[:, step - lag]
    return values[:, _START:].astype(np.float32)


def evidence(table: str, count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw where the evidence of each series is: (count, 50, 50), 125 values of each.

    Rare feature: 5 random features at the steps 12 to 36. Rare time: 5 steps in a row, at a random place, of the
    features 12 to 36.
    """
    middle = slice(LENGTH // 4, 3 * LENGTH // 4)
    truth = np.zeros((count, LENGTH, LENGTH), np.bool_)
    for one in truth:
        if table == "rare feature":
            one[middle, rng.permutation(LENGTH)[:RARE]] = True
        else:
            start = rng.integers(0, LENGTH - RARE)
            one[start : start + RARE, middle] = True
    return truth


def black_box(truth: NDArray[np.bool_]) -> keras.Model:
    """Return the model of which output j is the sum of x² over the evidence of series j: (N, 50, 50) to (N, count)."""
    import keras

    inputs = keras.Input(truth.shape[1:])
    squares = keras.layers.Flatten()(keras.layers.Multiply()([inputs, inputs]))
    sums = keras.layers.Dense(len(truth), use_bias=False)
    model = keras.Model(inputs, sums(squares), name="sum_of_squares")
    sums.set_weights([truth.reshape(len(truth), -1).T.astype(np.float32)])
    return model


def stays(count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw which values a random order of each feature's steps leaves in their place: (count, 50, 50)."""
    orders = rng.permuted(np.broadcast_to(np.arange(LENGTH)[:, np.newaxis], (count, LENGTH, LENGTH)), axis=1)
    found: NDArray[np.bool_] = orders == np.arange(LENGTH)[:, np.newaxis]
    return found


def attributions(method: str, x: NDArray[np.float32], truth: NDArray[np.bool_], seed: int) -> NDArray[np.float32]:
    """Return what a method of this package gives to the values of each series: (count, 50, 50).

    The baseline "shuffled" leaves no value in its place. The published permutation is any order, in which one value of
    50 stays on average, and gets 0: such values are passed as not measured, so that all others change places.
    """
    import pellucid

    name, parameters = METHODS[method]
    if method == "permutation":
        parameters = {**parameters, "measured": ~stays(len(x), np.random.default_rng([1, seed]))}
    each = np.arange(len(x))
    explained = pellucid.explain(black_box(truth), x, name, task="regression", target=each, seed=seed, **parameters)
    return explained.attributions


def scaled(maps: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the sizes of each map (N, …), scaled to 0–1."""
    axes = tuple(range(1, maps.ndim))
    size = np.abs(maps.astype(np.float64))
    low, high = size.min(axes, keepdims=True), size.max(axes, keepdims=True)
    return np.asarray((size - low) / (high - low + _TINY))


def scores(
    maps: NDArray[np.float32], truth: NDArray[np.bool_], whole: bool = False
) -> tuple[float, float, float, float]:
    """Return AUP, AUR, information and entropy (`SCORES`) of the maps of one fold, as the repository computes them.

    The sizes of each map are scaled to 0–1, then all maps of the fold are taken together. Over the evidence,
    information is the sum of -log2(1 - s), entropy that of -s log2 s - (1 - s) log2(1 - s). The areas are those of
    `cut_areas`, or with `whole` the exact ones.
    """
    size = scaled(maps)
    areas = (areas_of if whole else cut_areas)(size.ravel(), truth.ravel())
    inside = size[truth]
    present, absent = (np.abs(np.log2(part + _TINY)) for part in (inside, 1 - inside))
    return *areas, float(absent.sum()), float((inside * present + (1 - inside) * absent).sum())


def cut_areas(size: NDArray[np.float64], truth: NDArray[np.bool_]) -> tuple[float, float]:
    """Return AUP and AUR as published: by trapezoids, and without what lies below the weakest evidence.

    Until version 1.1, scikit-learn ended its curve at the first strength with a recall of 1 (its issue 23213). So both
    areas lack a part as wide as the smallest strength of evidence: nothing where this is 0. A trapezoid takes a jump of
    the curve for a slope. `areas_of` has the whole areas, without slopes.

    Args:
        size: (values,), the strengths from 0 to 1.
        truth: (values,), where the evidence is.
    """
    from sklearn.metrics import auc, precision_recall_curve

    precision, recall, strengths = precision_recall_curve(truth, size)
    start = np.flatnonzero(recall == 1)[-1]
    strengths = strengths[start:]
    if len(strengths) < 2:
        return 0.0, 0.0
    return float(auc(strengths, precision[start:-1])), float(auc(strengths, recall[start:-1]))


def measured(table: str, draws: int = DRAWS, explained: Explained = attributions) -> dict[str, NDArray[np.float64]]:
    """Return the scores of each method in each fold, (draws × 5 folds, 4 scores): all methods explain the same series.

    Args:
        table: a key of `PUBLISHED`.
        draws: how often five folds are drawn.
        explained: returns the maps of a method for series and their evidence.
    """
    rng = np.random.default_rng([0, list(PUBLISHED).index(table)])
    found: dict[str, list[tuple[float, ...]]] = {method: [] for method in METHODS}
    for draw in range(draws):
        x = series(FOLDS * SERIES, rng)
        truth = evidence(table, len(x), rng)
        for method, rows in found.items():
            maps = explained(method, x, truth, draw)
            folds = (slice(start, start + SERIES) for start in range(0, len(x), SERIES))
            rows += [scores(maps[fold], truth[fold]) for fold in folds]
    return {method: np.array(rows) for method, rows in found.items()}
