"""The features that the class scores are made of."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.network.explained_model import ExplainedModel
from pellucid.views.shared.features import feature_layer, features


@pytest.mark.parametrize("network", ["heartbeat", "multivariate", "digit"])
def test_the_last_features_times_the_last_weights_are_the_logits(request, network, rng):
    model = request.getfixturevalue(network)
    explained_model = ExplainedModel(model)
    x = rng.random((5, *explained_model.input_shape), np.float32)
    found = features(explained_model, x, feature_layer(explained_model, "last_features"))
    weights, bias = model.layers[-1].get_weights()
    np.testing.assert_allclose(found @ weights + bias, explained_model.logits(x), rtol=1e-4, atol=1e-4)


def test_found_behind_a_softmax_of_its_own_and_inside_nested_models(keras):
    layers = keras.layers
    body = keras.Sequential(
        [layers.Input((10, 2)), layers.Conv1D(3, 3, name="conv"), layers.GlobalAveragePooling1D(name="pooled")],
        name="body",
    )
    model = keras.Sequential([layers.Input((10, 2)), body, layers.Dense(4, name="scores"), layers.Softmax()])
    assert feature_layer(ExplainedModel(model), "last_features") == "pooled"


def test_without_a_vector_the_maps_before_the_scores_are_averaged(keras, rng):
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((10, 2)),
            layers.Conv1D(3, 3, name="conv"),
            layers.Conv1D(4, 1, name="scores"),
            layers.GlobalAveragePooling1D(),
        ]
    )
    explained_model = ExplainedModel(model, batch_size=2)
    x = rng.random((5, 10, 2), np.float32)
    name = feature_layer(explained_model, "last_features")
    assert name == "conv"
    found = features(explained_model, x, name)
    np.testing.assert_allclose(found, explained_model.activations(x, "conv").mean(1), rtol=1e-6)
    weights, bias = model.get_layer("scores").get_weights()
    np.testing.assert_allclose(found @ weights[0] + bias, explained_model.logits(x), atol=1e-5)


def test_an_unknown_layer_is_named_with_what_there_is(digit):
    with pytest.raises(InputError, match='layer: found "dense_2"; expected one of last_features.*"dense_1"'):
        feature_layer(ExplainedModel(digit), "dense_2")
