"""The last activation of a model, told apart where its scores are so large that all activations give zeros and ones."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.network.explained_model import ExplainedModel


@pytest.mark.parametrize(("scale", "bias"), [(1, 0), (30, 5), (1000, 0), (1000, 5)])
@pytest.mark.parametrize(("activation", "task"), [("sigmoid", "multi_label"), ("softmax", "single_label")])
def test_softmax_and_sigmoids_of_opposite_scores_are_told_apart(keras, scale, bias, activation, task):
    layers = keras.layers
    model = keras.Sequential([keras.Input((12, 1)), layers.Flatten(), layers.Dense(2, activation=activation)])
    column = scale * np.random.default_rng(0).normal(size=(12, 1))
    model.set_weights([np.concatenate([column, -column], 1), np.array([bias, -bias], np.float32)])
    ExplainedModel(model, task)
    other = {"multi_label": "single_label", "single_label": "multi_label"}[task]
    with pytest.raises(InputError, match=f'The task "{task}"'):
        ExplainedModel(model, other)
