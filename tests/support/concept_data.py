"""A network whose features and derivatives are known, and series with a motif for some of its classes."""

import numpy as np

from pellucid.views.base import ViewData

LENGTH, MOTIF = 24, 6
# From both features (the means of both channels) to the three scores.
WEIGHTS = np.array([[6.0, -4.0, 0.5], [-3.0, 5.0, 0.0]], np.float32)


def network(keras, task="single_label"):
    """Scores = ReLU of both channels, averaged over time, times `WEIGHTS`; the layer `maps` has the ReLU."""
    inputs = keras.Input((LENGTH, 2))
    maps = keras.layers.Conv1D(2, 1, activation="relu", use_bias=False, name="maps")
    last = {"single_label": "softmax", "multi_label": "sigmoid", "regression": None}[task]
    head = keras.layers.Dense(3, activation=last, use_bias=False, name="head")
    means = keras.layers.GlobalAveragePooling1D(name="means")
    model = keras.Model(inputs, head(means(maps(inputs))))
    maps.set_weights([np.eye(2, dtype=np.float32)[np.newaxis]])
    head.set_weights([WEIGHTS])
    return model


def series(count=240, seed=0):
    """Noise with a bump in channel 0 for class 0, in channel 1 for class 1: x, y and where the bump is."""
    rng = np.random.default_rng(seed)
    x = np.abs(rng.normal(0, 0.2, (count, LENGTH, 2))).astype(np.float32)
    y, truth = np.arange(count) % 3, np.zeros((count, LENGTH, 2), bool)
    for row, start in enumerate(rng.integers(0, LENGTH - MOTIF, count)):
        if y[row] < 2:
            truth[row, start : start + MOTIF, y[row]] = True
    return x + 2 * truth, y, truth


def view_data(task="single_label", half=160, **arrays):
    """The series as data of a view: the first `half` to train, the rest to test. `arrays` replaces some."""
    x, y, truth = series()
    labels = {"single_label": y, "multi_label": np.eye(3, dtype=np.uint8)[y], "regression": np.eye(3)[y]}[task]
    info = {"kind": "series", "classes": ["left", "right", "none"], "channels": ["a", "b"], "shape": [LENGTH, 2]}
    data = ViewData(info | {"unit": "mV", "sampling_rate_hz": None, "task": task}, {}, arrays.pop("named", {}))
    groups = np.where(np.arange(half) % 2, "odd", "even")
    given = {"training": (x[:half], labels[:half]), "test": (x[half:], labels[half:])}
    given |= {"truth": truth[:half] if task == "single_label" else None, "groups": groups}
    given |= {"training_measured": None, "test_measured": None}  # no padding
    data.__dict__.update(given | arrays)
    return data
