"""Explanations of which it is known how good they are: what a linear model's values have added, and its gradients."""

from dataclasses import replace

import numpy as np

from pellucid.score.base import Explanation
from tests.support.explained import case_of
from tests.support.logits import logits_copy


def explanation(maps, **declared):
    """Given maps as an explanation."""
    return Explanation("given", "given", np.asarray(maps, np.float32), **declared)


def patchwork(number, height, width):
    """Images of coloured blocks, which differ in how many superpixels they have: (N, height, width, 3)."""
    rng, images = np.random.default_rng(6), []
    for row in range(number):
        blocks = np.repeat(np.repeat(rng.random((2 + row, 3, 3)), height, 0), width, 1)
        images.append(blocks[:: 2 + row, ::3] + 0.01 * rng.random((height, width, 3)))
    return np.array(images, np.float32)


def with_training(case, number=30):
    """The same case with random training examples of all classes."""
    rng, classes = np.random.default_rng(8), case.model.n_classes
    training = rng.normal(size=(number, *case.inputs.shape[1:])).astype(np.float32)
    return replace(case, training=training, training_labels=np.arange(number) % classes)


def linear_case(linear, number=5, **explained_model):
    """A case of the linear model, and its weights of each example's target: (N, 12, 3)."""
    model, weights, _ = linear
    inputs = np.random.default_rng(2).normal(size=(number, 12, 3)).astype(np.float32)
    case = with_training(case_of(model, inputs, **explained_model))
    return case, np.moveaxis(weights, -1, 0)[case.targets]


def keras_answer(model, of):
    """A function of inputs (N, *input_shape) and targets that asks Keras itself, one example at a time."""
    asked = logits_copy(model) if of == "logit" else model
    return lambda x, target: float(asked(x[np.newaxis]).numpy()[0, target])
