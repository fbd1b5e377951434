"""Localisation in frequency on FreqRISE's synthetic data, by methods of this package in the frequency domain.

Brüsch et al., FreqRISE, arXiv:2406.13584 (2024), section 4; the repository theabrusch/FreqRISE has the data, the network
and the parameters of the masks. Published numbers are not known here, so that none are compared: the repository holds no
table. The network learns from data drawn anew in every round, as many in all as published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets import synthetic_frequencies
from pellucid.datasets.base import Examples
from pellucid.score.localisation import share_of_strongest

if TYPE_CHECKING:
    import keras

LENGTH, CLASSES = 2560, 16
RECIPE: dict[str, Any] = {
    "length": LENGTH,
    "frequencies": (5, 16, 32, 53),
    "components_min": 10,
    "components_max": 49,
    "lowest": 1,
    "highest": 60,
}
NOISE = (0.01, 0.8)
# 5 × 20,000 examples; 20 epochs in all.
ROUNDS, PER_CLASS, EPOCHS = 5, 1250, 4
# Explained examples of each class.
EXPLAINED = 4
# One cell for each bin and 3,000 masks that keep half, as published; on logits here, on probabilities there.
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "FreqRISE": ("rise", {"domain": "frequency", "masks": 3000, "cells": LENGTH // 2 + 1, "keep": 0.5}),
    "integrated gradients": ("integrated_gradients", {"domain": "frequency"}),
    "gradient × input": ("gradient_input", {"domain": "frequency"}),
    "saliency": ("saliency", {"domain": "frequency"}),
}


def draw(per_class: int, noise: float, rng: np.random.Generator) -> Examples:
    """Draw examples by the published recipe."""
    return synthetic_frequencies.load({}, rng, per_class=per_class, noise=noise, task="single_label", **RECIPE).train


def trained(noise: float, seed: int, rounds: int = ROUNDS, per_class: int = PER_CLASS) -> keras.Model:
    """Train the published network: three dense layers of 64 with ReLU, Adam at 0.001, batches of 256."""
    import keras

    keras.utils.set_random_seed(seed)
    inputs = keras.Input((LENGTH, 1))
    x = keras.layers.Flatten()(inputs)
    for _ in range(3):
        x = keras.layers.Dense(64, activation="relu")(x)
    model = keras.Model(inputs, keras.layers.Dense(CLASSES, activation="softmax")(x))
    model.compile(keras.optimizers.Adam(0.001), "sparse_categorical_crossentropy")
    for number in range(rounds):
        examples = draw(per_class, noise, np.random.default_rng([4, seed, number]))
        model.fit(examples.x, examples.y, 256, EPOCHS, verbose=0)
    return model


def rank_accuracy(maps: NDArray[np.float32], truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the share of the K largest values, as they are, that carry evidence: maps (N, bins, 1) to (N,).

    Published: the order is that of the values and not of their sizes; K is the number of bins with evidence.
    """
    # The score takes sizes, whose order is that of the values where the least of them is 0.
    values = maps[..., 0].astype(np.float64)
    return share_of_strongest(values - values.min(1, keepdims=True), truth, truth.sum(1))


def measured(noise: float, seed: int = 0) -> tuple[dict[str, NDArray[np.float64]], float]:
    """Return the rank accuracy of each method on test examples with evidence, and the network's accuracy."""
    import pellucid

    model = trained(noise, seed)
    # The published test examples have no noise.
    test = draw(EXPLAINED, 0.0, np.random.default_rng([5, seed]))
    correct = float((model.predict(test.x, verbose=0).argmax(1) == test.y).mean())
    assert test.truth_frequency is not None
    planted = test.truth_frequency.any(1)
    x, y, truth = test.x[planted], test.y[planted], test.truth_frequency[planted]
    found = {}
    for name, (method, parameters) in METHODS.items():
        explained = pellucid.explain(model, x, method, target=y, seed=seed, **parameters)
        found[name] = rank_accuracy(explained.attributions, truth)
    return found, correct


def main() -> None:
    """Print the rank accuracy of each method for both noises of the training examples."""
    print("\nFreqRISE's data: rank accuracy in frequency measured here ± standard error over the explained examples")
    print("(published numbers are not at hand; chance: 0.002)")
    for noise in NOISE:
        found, correct = measured(noise)
        cells = (
            f"{name} {values.mean():.3f} ± {values.std(ddof=1) / np.sqrt(len(values)):.3f}"
            for name, values in found.items()
        )
        count = len(next(iter(found.values())))
        print(f"noise {noise}: {', '.join(cells)}; {count} examples, accuracy of the network {correct:.3f}", flush=True)
