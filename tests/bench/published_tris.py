"""Suppressors: what methods say of pixels that help the model and hold nothing of the class (XAI-TRIS, 8 × 8).

Clark B, Wilming R, Haufe S. XAI-TRIS: Non-linear image benchmarks to quantify false positive post-hoc attribution of
feature importance. arXiv:2306.12816 (2023); Haufe S et al. On the interpretation of weight vectors of linear models in
multivariate neuroimaging. NeuroImage 87:96-110 (2014). Their table is not at hand; what the text says is measured here:
with noise that neighbouring pixels share, methods name pixels beside the shapes, which a model needs to take the noise
away, although these pixels are independent of the class.

Images are a T or an L of four pixels, at (1, 1) and at (4, 5), in noise. Linear: the shape is added to the noise.
Multiplicative: the noise is weaker where the shape is. The evidence is the pixels of both shapes; precision is the share
of it among as many strongest pixels. Chance is 8 of 64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tests.bench.timing import row

if TYPE_CHECKING:
    import keras

SIDE, SIGMA = 8, 3.0
TRAINING, TEST, SEED = 8_000, 200, 7
# How much of an image is the shape: so much that the models are right in most images, but not far from chance with less.
WEIGHTS = {
    ("linear", "white"): 0.18,
    ("linear", "correlated"): 0.008,
    ("multiplicative", "white"): 0.5,
    ("multiplicative", "correlated"): 0.08,
}
SHAPES = (((1, 1), (1, 2), (1, 3), (2, 2)), ((4, 5), (5, 5), (6, 5), (6, 6)))
METHODS: dict[str, dict[str, Any]] = {
    "saliency": {},
    "gradient_input": {},
    "integrated_gradients": {},
    "deep_shap": {"background": 50},
    "occlusion": {"window": 1},
    "kernel_shap": {"segments": SIDE * SIDE, "samples": 600},
    "random_attribution": {},
}


def patterns() -> NDArray[np.float64]:
    """Return both shapes: (2, 8, 8)."""
    shapes = np.zeros((2, SIDE, SIDE))
    for shape, places in zip(shapes, SHAPES, strict=True):
        shape[tuple(np.transpose(places))] = 1
    return shapes


def images(
    count: int, scenario: str, noise: str, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Draw images (count, 8, 8, 1) and their classes. Shape and noise have the same norm before they are weighed."""
    from scipy.ndimage import gaussian_filter

    y = rng.integers(0, 2, count)
    around = rng.standard_normal((count, SIDE, SIDE))
    if noise == "correlated":
        around = gaussian_filter(around, (0, SIGMA, SIGMA))
    around /= np.linalg.norm(around) / np.sqrt(count)
    shape, weight = patterns()[y], WEIGHTS[scenario, noise]
    if scenario == "multiplicative":
        x = (1 - weight * shape) * around
    else:
        x = weight * shape / np.linalg.norm(patterns()[0]) + (1 - weight) * around
    return (x / np.abs(x).max())[..., np.newaxis].astype(np.float32), y


def models(x: NDArray[np.float32], y: NDArray[np.int64], scenario: str) -> dict[str, keras.Model]:
    """Return the models that can solve a scenario, trained: a linear one, and a small convolutional network."""
    import keras

    layers, made = keras.layers, dict[str, Any]()
    keras.utils.set_random_seed(SEED)
    if scenario == "linear":
        made["linear model"] = [layers.Flatten(), layers.Dense(2, activation="softmax")]
    made["network"] = [
        layers.Conv2D(16, 3, padding="same", activation="relu"),
        layers.Conv2D(16, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(32, activation="relu"),
        layers.Dense(2, activation="softmax"),
    ]
    trained = {}
    for name, parts in made.items():
        model = keras.Sequential([layers.Input(x.shape[1:]), *parts])
        model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
        stop = keras.callbacks.EarlyStopping(patience=6, restore_best_weights=True)
        model.fit(x, y, 64, 60, 0, [stop], validation_split=0.1)
        trained[name] = model
    return trained


def precision(maps: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the share of the evidence among as many strongest pixels: (N, 8, 8, 1) to (N,)."""
    truth = patterns().any(0).ravel()
    strongest = np.argsort(-np.abs(maps).reshape(len(maps), -1), axis=1, kind="stable")[:, : truth.sum()]
    shares: NDArray[np.float64] = truth[strongest].mean(1)
    return shares


def main() -> None:
    """Print accuracy and precision of each scenario, kind of noise and model."""
    import pellucid
    from pellucid.network import runtime

    runtime.start(2)
    print(f"Precision of the {sum(map(len, SHAPES))} strongest pixels; chance {sum(map(len, SHAPES)) / SIDE**2:.3f}")
    columns: dict[str, dict[str, float]] = {}
    for scenario, noise in WEIGHTS:
        rng = np.random.default_rng([SEED, *map(ord, scenario + noise)])
        x, y = images(TRAINING, scenario, noise, rng)
        x_test, y_test = images(TEST, scenario, noise, rng)
        for name, model in models(x, y, scenario).items():
            found = {"accuracy": float((model.predict(x_test, verbose=0).argmax(1) == y_test).mean())}
            for method, parameters in METHODS.items():
                given = {"training": x[:200]} if method == "deep_shap" else {}
                explained = pellucid.explain(model, x_test, method, seed=SEED, **given, **parameters)
                found[method] = float(precision(explained.attributions).mean())
            columns[f"{scenario}, {noise}, {name}"] = found
    for title, found in columns.items():
        print(f"\n  {title}")
        for method, value in found.items():
            row(f"  {method}", value)
    print()
