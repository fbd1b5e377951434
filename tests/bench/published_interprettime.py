"""Does the order of methods that InterpretTime publishes in words hold here, on its synthetic series?

Turbé H, Bjelogrlic M, Lovis C, Mengaldo G. Evaluation of post-hoc interpretability methods in time-series classification.
Nature Machine Intelligence 5, 250-260 (2023), arXiv:2202.05656. Series, network and scores are those of the repository
hturbe/InterpretTime (generate_synthetic_datasets, CnnModel, compute_summary_metrics). It holds no table of scores: what
can be compared is that Shapley sampling and integrated gradients are the best (abstract of the first version).

A series has six features of 500 steps: a slow sine wave each, and on 100 steps of each a support. The supports of two
random features are sine waves; the class is whether the sum of their frequencies is above its median. The supports of
the other four are square waves or nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras

STEPS, SUPPORT, FEATURES, SINES = 500, 100, 6, 2
# Periods in the whole series, first and last.
BASE, SINE = (2, 5), (10, 50)
# The published set has 10,500 training series.
TRAINING, TEST, EXPLAINED, SEED = 3_000, 300, 60, 0
FILTERS, EPOCHS = (64, 64, 64), 15
# Shares of the values with a positive attribution that are replaced, the strongest or the weakest.
SHARES = (0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95, 1.0)
# Points that are closer than this on the axis of replaced values are one.
_APART = 0.01
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "integrated gradients": ("integrated_gradients", {"baseline": "zero", "steps": 50}),
    "DeepLIFT": ("deep_shap", {"background": 1}),
    "DeepLIFT SHAP": ("deep_shap", {"background": 20}),
    "gradient SHAP": ("gradient_shap", {"background": 50, "samples": 5}),
    "saliency": ("saliency", {}),
    "random values": ("random_attribution", {}),
}


class Drawn(NamedTuple):
    """Series of the set.

    Attributes:
        x: (count, 500, 6).
        y: (count,), 1 where the frequencies sum to more than their median.
        truth: (count, 500, 6), True on the two sine waves.
    """

    x: NDArray[np.float32]
    y: NDArray[np.int64]
    truth: NDArray[np.bool_]


class Scores(NamedTuple):
    """The published scores, over the share of replaced values: how far the score drops, and how well both ends differ.

    Attributes:
        top: the area under the drop of the probability when the strongest values are replaced.
        both: half of the harmonic mean of this area, up to all positive values, and 1 - the one of the weakest.
    """

    top: float
    both: float


def draw(count: int, rng: np.random.Generator) -> Drawn:
    """Draw series, their classes and where their evidence is."""
    turns = np.linspace(0, 2 * np.pi, STEPS)[:, np.newaxis]
    base = rng.integers(BASE[0], BASE[1] + 1, (count, 1, FEATURES))
    speed = rng.integers(SINE[0], SINE[1] + 1, (count, 1, FEATURES))
    x = 0.5 * np.sin(base * turns)
    start = rng.integers(0, STEPS - SUPPORT, (count, 1, FEATURES))
    steps = np.arange(STEPS)[:, np.newaxis]
    support = (steps >= start) & (steps < start + SUPPORT)
    # A support starts at the beginning of its wave, wherever it lies.
    wave = np.sin(speed * 2 * np.pi * (steps - start) / (STEPS - 1))
    of_class = rng.permuted(np.tile(np.arange(FEATURES) < SINES, (count, 1)), axis=1)[:, np.newaxis]
    square = rng.random((count, 1, FEATURES)) < 0.5
    x += support * np.where(of_class, wave, square * np.sign(wave))
    median = np.quantile(rng.integers(SINE[0], SINE[1] + 1, (10_000, SINES)).sum(1), 0.5)
    y = (np.where(of_class, speed, 0).sum((1, 2)) > median).astype(np.int64)
    return Drawn(x.astype(np.float32), y, support & of_class)


def network() -> keras.Model:
    """Return the published network: three convolutions of 7 steps, each with pooling and dropout, and their mean."""
    import keras

    layers = keras.layers
    inputs = hidden = keras.Input((STEPS, FEATURES))
    for filters in FILTERS:
        hidden = layers.Conv1D(filters, 7, activation="relu")(hidden)
        hidden = layers.Dropout(0.3)(layers.MaxPooling1D(2)(hidden))
    classes = layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling1D()(hidden))
    return keras.Model(inputs, classes)


def replaced(
    x: NDArray[np.float32], maps: NDArray[np.float32], share: float, strongest: bool, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the series with a share of the values of positive attribution replaced by normal noise, and which ones."""
    gone = np.zeros(maps.shape, np.bool_)
    for number, each in enumerate(maps):
        level = np.quantile(each[each >= 0], 1 - share if strongest else share)
        gone[number] = (each >= level) if strongest else (each >= 0) & (each <= level)
    return np.where(gone, rng.standard_normal(x.shape).astype(np.float32), x), gone


def area(share: NDArray[np.float64], height: NDArray[np.float64]) -> float:
    """Return the area under a curve that begins at (0, 0), by Simpson's rule as published."""
    from scipy.integrate import simpson

    over, up = np.append(0, share), np.append(0, height)
    kept = np.append(np.diff(over) >= _APART, True)
    return float(simpson(y=up[kept], x=over[kept]))


def scores(model: keras.Model, x: NDArray[np.float32], maps: NDArray[np.float32], rng: np.random.Generator) -> Scores:
    """Return the scores of maps of the predicted class: (N, 500, 6)."""
    before = model.predict(x, verbose=0)
    rows, classes = np.arange(len(x)), before.argmax(1)
    found = {}
    for strongest in (True, False):
        shares, drops = [], []
        for share in SHARES:
            changed, gone = replaced(x, maps, share, strongest, rng)
            after = model.predict(changed, verbose=0)
            shares.append(gone.mean())
            drops.append((1 - after[rows, classes] / before[rows, classes]).mean())
        found[strongest] = np.array(shares), np.array(drops)
    over, drop = found[True]
    weak, weak_drop = found[False]
    upper, lower = area(over, drop), area(weak, weak_drop.clip(0))
    # The last drop lasts up to all values.
    return Scores(area(np.append(over, 1), np.append(drop, drop[-1])), upper * (1 - lower) / (upper + 1 - lower))


def main() -> None:
    """Print the scores of each method and the share of its strongest values that lie on the two sine waves."""
    import keras

    import pellucid
    from pellucid.network import runtime

    runtime.start(2)
    rng = np.random.default_rng([9, SEED])
    training, test = draw(TRAINING, rng), draw(TEST, rng)
    mean, deviation = training.x.mean((0, 1)), training.x.std((0, 1))
    x, x_test = (training.x - mean) / deviation, (test.x - mean) / deviation
    keras.utils.set_random_seed(SEED)
    model = network()
    model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, training.y, 64, EPOCHS, 0)
    predicted = model.predict(x_test, verbose=0).argmax(1)
    print(f"Accuracy {(predicted == test.y).mean():.3f} on {TEST} test series; scores over {EXPLAINED} of them")
    print(f"{'':24}{'AUC~S top':>12}{'F~S':>12}{'on the sines':>16}")
    explained_x, targets, truth = x_test[:EXPLAINED], predicted[:EXPLAINED], test.truth[:EXPLAINED]
    for name, (method, parameters) in METHODS.items():
        given = {}
        if "background" in parameters:
            given["training"] = np.zeros((1, STEPS, FEATURES), np.float32) if name == "DeepLIFT" else x[:200]
        maps = pellucid.explain(
            model, explained_x, method, target=targets, seed=SEED, **parameters, **given
        ).attributions
        top, both = scores(model, explained_x, maps, np.random.default_rng([10, SEED]))
        strongest = maps.reshape(EXPLAINED, -1).argsort(1)[:, -SINES * SUPPORT :]
        inside = np.take_along_axis(truth.reshape(EXPLAINED, -1), strongest, 1).mean()
        print(f"{name:24}{top:12.3f}{both:12.3f}{inside:16.3f}", flush=True)
    print(f"{'chance':24}{'':24}{SINES * SUPPORT / (STEPS * FEATURES):16.3f}")
