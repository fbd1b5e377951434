"""Data for views, given as arrays instead of files."""

import numpy as np

from pellucid.views.base import ViewData


def given(model, train=None, test=None, classes=None, examples=6):
    """A `ViewData` whose arrays are set: (x, labels) of each split; predictions and examples come from the model."""
    count = model.n_classes if classes is None else classes
    data = ViewData({"classes": [f"class {label}" for label in range(count)]}, {})
    # Without padding.
    data.__dict__.update(training_measured=None, test_measured=None)
    if train is not None:
        data.__dict__["training"] = train
    if test is not None:
        logits = model.logits(test[0]).astype(np.float64)
        p = np.exp(logits - logits.max(1, keepdims=True))
        data.__dict__["test"] = test
        data.__dict__["probabilities"] = p / p.sum(1, keepdims=True)
        data.__dict__["examples"] = {"inputs": test[0][:examples], "predictions": logits[:examples].argmax(1)}
    return data


def random_examples(shape, n_classes, each=8, seed=0):
    """Noise of a given shape with labels in turn: (x, labels)."""
    rng = np.random.default_rng(seed)
    x = rng.random((each * n_classes, *shape), np.float32)
    return x, np.arange(len(x)) % n_classes
