"""The degradation score of five methods, in the published order: Baer et al. 2025, on sets that come with aeon.

Baer G, Grau I, Zhang C, Van Gorp P. Class-Dependent Perturbation Effects in Evaluating Time Series Attributions.
arXiv:2502.17022 (2025): a ResNet on four sets of the UCR archive, which are not in any package. On all four, the methods
have one order, which is compared here, with the sign of each score; the numbers depend on the set.

As in their repository (gregorbaer/class-perturbation-effects): AdamW with a learning rate of 3e-4 and a weight decay of
1e-3; samples are ranked by the sizes of a map, without its sign; 2% of them in a step, up to 50%, become zero (the sets
are standardised). Baselines of integrated gradients, gradient SHAP and occlusion are random there, and zeros or training
examples here. These sets have 36 to 67 training examples, so that none is held back for validation here and a batch has
8; at most 40 test examples of a class are explained.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tests.bench.timing import row

if TYPE_CHECKING:
    import keras

# OSULeaf comes with aeon, too: its 160 series of 427 samples take 20 minutes to train on two cores.
SETS = ("GunPoint", "ItalyPowerDemand", "ArrowHead")
# The methods in the published order, the best first, and the lowest and the highest published score.
PUBLISHED = {
    "occlusion": (0.058, 0.271),
    "integrated_gradients": (0.040, 0.156),
    "gradient_shap": (0.031, 0.122),
    "smoothgrad": (0.008, 0.075),
    "saliency": (-0.041, 0.035),
}
# Occlusion of one sample, and noise with the standard deviation of the series, as published.
PARAMETERS: dict[str, dict[str, Any]] = {
    "occlusion": {"window": 1},
    "integrated_gradients": {"steps": 50},
    "gradient_shap": {"background": 20, "samples": 100},
    "smoothgrad": {"noise": 0.27, "samples": 25},
    "saliency": {},
}
SCORE = {"order": "strength", "share": 0.5, "steps": 25, "baselines": ["zero"]}
MOST = 40  # test examples of a class
EPOCHS, PATIENCE, BATCH, SEED = 150, 25, 8, 42


def load(name: str) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Return training and test examples of a set, (N, time, 1), and their classes from 0."""
    from aeon import datasets

    parts = [datasets.load_classification(name, split=split) for split in ("train", "test")]
    known = np.unique(np.concatenate([labels for _, labels, *_ in parts]))
    (x, y), (x_test, y_test) = (
        (np.moveaxis(values, 1, 2).astype(np.float32), np.searchsorted(known, labels)) for values, labels, *_ in parts
    )
    return x, y, x_test, y_test


def trained(x: NDArray[np.float32], y: NDArray[np.int64]) -> keras.Model:
    """Return a ResNet trained on the examples, as it was after the epoch with the lowest loss."""
    import keras

    from pellucid import plugins

    keras.utils.set_random_seed(SEED)
    # The momentum of PyTorch, which published networks have: with few steps in an epoch, the averages of 0.99 stay far
    # behind the weights.
    options = {"name": "ResNet", "batch_norm_momentum": 0.9}
    model: keras.Model = plugins.load("models")["aeon"].build(x.shape[1:], int(y.max()) + 1, **options)
    model.compile(keras.optimizers.AdamW(3e-4, weight_decay=1e-3), "sparse_categorical_crossentropy")
    stop = keras.callbacks.EarlyStopping("loss", patience=PATIENCE, restore_best_weights=True)
    model.fit(x, y, BATCH, EPOCHS, 0, [stop])
    return model


def measured(name: str) -> tuple[float, int, dict[str, NDArray[np.float64]]]:
    """Return the accuracy, how many examples are explained, and the degradation scores of each method."""
    import pellucid

    x, y, x_test, y_test = load(name)
    model = trained(x, y)
    accuracy = float((model.predict(x_test, verbose=0).argmax(1) == y_test).mean())
    chosen = np.concatenate([np.flatnonzero(y_test == label)[:MOST] for label in np.unique(y_test)])
    comparison = pellucid.compare(
        model,
        x_test[chosen],
        y_test[chosen],
        methods=PARAMETERS,
        scores={"degradation": SCORE},
        training=x,
        training_y=y,
        seed=SEED,
    )
    values = {method: comparison.by_example[f"degradation/{method}/degradation.zero"] for method in PUBLISHED}
    return accuracy, len(chosen), values


def agreement(means: dict[str, float]) -> tuple[int, int]:
    """Return how many pairs of methods have the published order, and of how many."""
    pairs = list(combinations(PUBLISHED, 2))
    return sum(means[first] > means[second] for first, second in pairs), len(pairs)


def main() -> None:
    """Print the score of each method on each set, beside the range of the published ones."""
    from pellucid.network import runtime

    runtime.start(2)
    found = {name: measured(name) for name in SETS}
    print("Degradation score by sizes, fill zero, ResNet: mean ± standard error over the test examples")
    lines: list[tuple[str, str, list[str]]] = [
        ("", "published", list(found)),
        ("accuracy", "0.716 to 0.993", [f"{accuracy:.3f}" for accuracy, *_ in found.values()]),
        ("explained test examples", "", [str(count) for _, count, _ in found.values()]),
    ]
    for method, (low, high) in PUBLISHED.items():
        cells = [
            f"{values[method].mean():+.3f} ± {values[method].std(ddof=1) / np.sqrt(count):.3f}"
            for _, count, values in found.values()
        ]
        lines.append((method, f"{low:+.3f} to {high:+.3f}", cells))
    counts = (agreement({method: float(of.mean()) for method, of in values.items()}) for _, _, values in found.values())
    lines.append(("pairs of methods in the published order", "", [f"{right} of {pairs}" for right, pairs in counts]))
    for name, published, cells in lines:
        row(name, *(f"{cell:>16}" for cell in (published, *cells)))
    print()
