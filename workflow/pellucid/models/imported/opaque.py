"""Turn the scores of a model whose layers cannot be reached (a SavedModel, a function) into logits."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid.errors import InputError
from pellucid.logits import are_probabilities
from pellucid.models.imported import callers_words, class_scores, head, limited_scores
from pellucid.network import same_function

logger = logging.getLogger(__name__)


def is_binary(scores: Any, n_classes: int) -> bool:
    """Return whether the scores are one number for two classes."""
    return tuple(scores.shape[1:]) in ((), (1,)) and n_classes == 2


def logits(inputs: Any, scores: Any, n_classes: int, where: str) -> Any:
    """Return the logits of all classes, computed from the scores of an opaque model.

    Args:
        inputs, scores: Keras' symbolic input and output of the model.
        n_classes: of the data.
        where: name of the model in messages.

    Raises:
        InputError: the score of an input depends on the call or on the batch, or the classes do not exclude each other.
    """
    from keras import Model, ops

    function = Model(inputs, scores)
    same_function.require_function(function, where)
    # The smallest normal number replaces a probability that was rounded to 0, which has no logarithm.
    tiny = float(np.finfo(np.float32).tiny)
    answers = same_function.ask(function, same_function.tries(function))
    if is_binary(scores, n_classes):
        if head.in_unit_interval(answers):
            # 1 - p in 32-bit numbers is not closer to 0 than half of the last digit.
            rest = ops.maximum(1 - scores, float(np.finfo(np.float32).epsneg))
            scores = ops.log(ops.maximum(scores, tiny)) - ops.log(rest)
            logger.info("its one probability p belongs to the second class, whose score z is log p / (1 - p)")
        else:
            logger.info("its one score z is used as the logit of the second of two classes")
            limited_scores.tell_of_answers(function, answers, "a sigmoid")
        return head.two_logits(scores)
    if head.in_unit_interval(answers) and not are_probabilities(answers):
        found = f"{n_classes} independent numbers from 0 to 1, one for each class"
        expected = "scores of classes that exclude each other: probabilities that sum to 1, or logits"
        raise InputError.unexpected(where, found, expected, callers_words.of_labels())
    if head.gives_probabilities(function):
        logger.info("the logarithms of its probabilities are used as logits")
        return ops.log(ops.maximum(scores, tiny))
    if are_probabilities(np.exp(answers)):
        logger.info("its scores are the logarithms of probabilities, which are explained as they are")
        return scores
    class_scores.require_unscaled(answers, where)
    limited_scores.tell_of_answers(function, answers)
    return scores


def calling(ask: Callable[[Any], Any], n_outputs: int) -> Any:
    """Return a layer that calls a Python function: (N, *shape) float32 to (N, n_outputs), without gradients."""
    import tensorflow as tf
    from keras import layers

    class Calling(layers.Layer):  # type: ignore[misc]
        asks_python = True  # `TracedFunctions.compiled`

        def call(self, batch: Any) -> Any:
            scores = tf.numpy_function(ask, [batch], tf.float32)
            scores.set_shape((batch.shape[0], n_outputs))
            return scores

        def compute_output_shape(self, input_shape: Any) -> Any:
            return (input_shape[0], n_outputs)

    return Calling(name="function", trainable=False)
