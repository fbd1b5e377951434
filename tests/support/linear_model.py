"""A linear model of logits in NumPy, as scores ask it: no TensorFlow is started for closed forms."""

from __future__ import annotations

import numpy as np

from pellucid.score.base import Explanation, ScoreContext


class LinearModel:
    """logits = x · W + b, with W (*input_shape, outputs); probabilities are those of the softmax."""

    def __init__(self, weights, bias=None):
        self.weights = np.asarray(weights, np.float64)
        self.input_shape, self.n_classes = self.weights.shape[:-1], self.weights.shape[-1]
        self.bias = np.zeros(self.n_classes) if bias is None else np.asarray(bias)
        self.layers, self.nodes = {}, []

    def batch_size(self, backward=False):
        return 64

    def logits(self, x):
        return np.tensordot(x, self.weights, axes=len(self.input_shape)) + self.bias

    def score(self, x, targets):
        return self.logits(x)[np.arange(len(x)), targets]

    def output(self, x, targets):
        raised = np.exp(self.logits(x) - self.logits(x).max(1, keepdims=True))
        return (raised / raised.sum(1, keepdims=True))[np.arange(len(x)), targets]

    def for_shifted(self, shift):
        """The model whose answer to x + shift is the answer to x: the shift goes into the bias, as nothing is padded."""
        return LinearModel(
            self.weights,
            self.bias
            - np.tensordot(np.broadcast_to(shift, self.input_shape), self.weights, axes=len(self.input_shape)),
        )


def linear_case(shape, classes=3, number=6, seed=0, **context):
    """A case of random inputs of a linear model, and the weights of each example's target: (N, *shape)."""
    rng = np.random.default_rng(seed)
    model = LinearModel(rng.normal(size=(*shape, classes)))
    targets = np.arange(number) % classes
    case = ScoreContext(
        data_info={"kind": "image" if len(shape) == 3 else "series", "classes": list("abcdef"[:classes])},
        inputs=rng.normal(size=(number, *shape)).astype(np.float32),
        targets=targets,
        labels=targets,
        model=model,
        training=rng.normal(size=(30, *shape)).astype(np.float32),
        training_labels=np.arange(30) % classes,
        **context,
    )
    return case, np.moveaxis(model.weights, -1, 0)[targets]


def explained_by(case, function, **declared):
    """An explanation whose method is a function of the model, inputs, targets and a generator."""

    def again(inputs, targets, seed=None, model=None, training=None, measured=None):
        rng = np.random.default_rng(0 if seed is None else seed)
        return np.asarray(function(model or case.model, inputs, targets, rng), np.float32)

    found = again(case.inputs, case.targets)
    return Explanation("given", "given", found, re_explain=again, **declared)


def gradient(model, inputs, targets, rng):
    return np.moveaxis(model.weights, -1, 0)[targets]


def gradient_input(model, inputs, targets, rng):
    return gradient(model, inputs, targets, rng) * inputs


def noise(model, inputs, targets, rng):
    return rng.normal(size=inputs.shape)


def constant(model, inputs, targets, rng):
    return np.ones(inputs.shape)
