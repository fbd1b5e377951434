"""Whether groups of maps find a planted shortcut: hits and false alarms on trained networks, 10 seeds each.

Both classes have evidence of their own, a motif that starts anywhere. In some recordings of one class, a small marker
stands near the beginning of the series, too; the network learns it, and groups of its maps should name the recordings.
Three sets are trained on: with a marker in two of six recordings, with one in all recordings of the class, and without.
The limits of the flags were fixed before. The tests behind them were chosen on the seeds 100 to 109; these are others.
"""

from __future__ import annotations

import numpy as np

from pellucid.explain import gradient_input
from pellucid.network import runtime
from pellucid.network.explained_model import ExplainedModel
from tests.bench.timing import row
from tests.support import planted_shortcut

SEEDS = range(200, 210)
STEPS, RECORDINGS, EACH = planted_shortcut.LENGTH, 6, 12
MARKED = ("recordings 1 and 4", "every recording", "none")


def main() -> None:
    """Train a network on each set, explain its test examples by gradient × input, and count the flags."""
    runtime.start(1)
    print(
        f"A marker in one of two classes, {len(SEEDS)} seeds, flags by gradient × input on {2 * RECORDINGS * EACH} examples"
    )
    for marked in MARKED:
        named, wrong, accuracy = 0, 0, []
        for seed in SEEDS:
            flagged, accurate = _flags(marked, seed)
            hits = {(output, of) for output, of, _ in flagged}
            right = {"recordings 1 and 4": {(1, "group")}, "every recording": {(1, "place")}, "none": set()}[marked]
            named += bool(right) and right <= hits
            wrong += bool(hits - right)
            accuracy.append(accurate)
        found = f"found in {named} of {len(SEEDS)}, " if marked != "none" else ""
        row(f"marker in {marked}", f"{found}other flags in {wrong}; accuracy {np.mean(accuracy):.2f}")
    print()


def _flags(marked: str, seed: int) -> tuple[list[tuple[int, str, str]], float]:
    """Return class, kind and detail of each flag, and the accuracy on the test examples."""
    rng = np.random.default_rng(seed)
    train, test = _series(marked, rng), _series(marked, rng)
    model = ExplainedModel(_trained(*train[:2], seed))
    x, labels, recordings = test
    predicted = model.logits(x).argmax(1)
    maps = gradient_input.explain(model, x, labels, rng)[:, np.newaxis]
    _, _, flagged = planted_shortcut.tested(maps, labels, recordings, seed)
    return [(members.output, test.of, test.detail) for members, test in flagged], float((predicted == labels).mean())


def _series(marked: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw series (N, 160, 2) of two classes, their labels and recordings."""
    labels = np.repeat(np.arange(2), RECORDINGS * EACH)
    recording = np.tile(np.repeat(np.arange(RECORDINGS), EACH), 2)
    x = 0.3 * rng.normal(size=(len(labels), STEPS, 2))
    for index, (label, place) in enumerate(zip(labels, rng.integers(30, STEPS - 30, len(labels)), strict=True)):
        time = np.arange(24)
        motif = np.sin(2 * np.pi * time / (6 if label else 12)) * np.hanning(24)
        x[index, place : place + 24, 0] += rng.uniform(0.5, 0.9) * motif
        if label and (marked == "every recording" or (marked != "none" and recording[index] in (1, 4))):
            x[index, 10:16, 1] += 2
    names = np.array([f"r{label}{number}" for label, number in zip(labels, recording, strict=True)])
    return x.astype(np.float32), labels.astype(np.int64), names


def _trained(x: np.ndarray, labels: np.ndarray, seed: int) -> object:
    """Return a small network, trained for 40 epochs."""
    import keras

    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.layers.Input(x.shape[1:]),
            keras.layers.Conv1D(12, 9, activation="relu", padding="same"),
            keras.layers.MaxPooling1D(2),
            keras.layers.Conv1D(12, 9, activation="relu", padding="same"),
            keras.layers.GlobalMaxPooling1D(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy")
    model.fit(x, labels, epochs=40, batch_size=32, verbose=0)
    return model
