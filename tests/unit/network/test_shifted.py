"""A model for shifted inputs has the scores of the model itself, whatever its head and its task."""

import numpy as np
import pytest

from pellucid.network.explained_model import ExplainedModel
from pellucid.targets import contrast


@pytest.mark.parametrize("head", ["single_label", "multi_label", "regression", "logits", "one sigmoid", "nested"])
def test_scores_and_gradients_are_those_of_the_model(keras, head):
    from pellucid.models.imported.head import with_softmax

    keras.utils.set_random_seed(1)
    layers = keras.layers
    activation = {"multi_label": "sigmoid", "regression": "linear", "logits": "linear", "one sigmoid": "sigmoid"}
    end = layers.Dense(1 if head == "one sigmoid" else 3, activation=activation.get(head, "softmax"))
    model = keras.Sequential([keras.Input((12, 2)), layers.Conv1D(4, 3, padding="same"), layers.Flatten(), end])
    if head == "one sigmoid":
        model = with_softmax(model, 2, "here")
    if head == "nested":
        whole = keras.Input((12, 2))
        model = keras.Model(whole, model(whole))
    task = head if head in ("multi_label", "regression") else "single_label"
    explained = ExplainedModel(model, task)
    shift = np.array([2.0, -1.0], np.float32)
    shifted = explained.for_shifted(shift)
    x = np.random.default_rng(0).random((3, 12, 2), np.float32)
    targets = np.array([0, 1, contrast(1, 0)])
    assert shifted.task == task
    np.testing.assert_allclose(shifted.scores(x + shift), explained.scores(x), atol=1e-5)
    np.testing.assert_allclose(shifted.score(x + shift, targets), explained.score(x, targets), atol=1e-5)
    np.testing.assert_allclose(shifted.gradient(x + shift, targets), explained.gradient(x, targets), atol=1e-6)


def test_the_shift_is_not_rounded_to_the_bits_that_the_caller_set_for_new_layers(keras):
    layers = keras.layers
    model = keras.Sequential([keras.Input((12, 2)), layers.Flatten(), layers.Dense(3, activation="softmax")])
    explained = ExplainedModel(model)
    shift = np.array([100.3, -57.7], np.float32)
    x = np.random.default_rng(0).random((3, 12, 2), np.float32)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        shifted = explained.for_shifted(shift)
        np.testing.assert_allclose(shifted.scores(x + shift), explained.scores(x), atol=1e-4)
    finally:
        keras.config.set_dtype_policy(policy)
