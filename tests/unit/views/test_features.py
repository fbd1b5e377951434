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


def test_of_scores_made_in_branches_it_is_the_last_layer_before_them(keras, rng):
    layers = keras.layers
    inputs = keras.Input((10, 2))
    maps = layers.Conv1D(3, 3, activation="relu", name="conv")(inputs)
    branches = [layers.GlobalAveragePooling1D()(maps), layers.GlobalMaxPooling1D()(maps)]
    scores = layers.Add()([layers.Dense(4, name=f"part_{number}")(part) for number, part in enumerate(branches)])
    model = ExplainedModel(keras.Model(inputs, scores))
    # part_0 is the last vector before the last layer with weights, and half of the scores.
    assert feature_layer(model, "last_features") == "conv"


def test_of_the_mean_of_two_networks_it_is_the_scores(keras, rng, caplog):
    layers = keras.layers
    inputs = keras.Input((10, 2))
    parts = [
        layers.Dense(4)(layers.Dense(5, name=f"features_{number}")(layers.Flatten()(layers.Conv1D(3, 3)(inputs))))
        for number in range(2)
    ]
    model = ExplainedModel(keras.Model(inputs, layers.Average()(parts)))
    name, x = feature_layer(model, "last_features"), rng.random((3, 10, 2), np.float32)
    np.testing.assert_allclose(features(model, x, name), model.logits(x), rtol=1e-6)
    assert "the scores alone, which are taken as features" in caplog.text
    assert feature_layer(model, "features_0") == "features_0"


def test_a_nested_model_with_the_channels_first_has_its_maps_averaged_over_time(keras, rng):
    layers = keras.layers
    body = keras.Sequential(
        [keras.Input((2, 10)), layers.Conv1D(5, 3, data_format="channels_first", name="conv")], name="body"
    )
    model = ExplainedModel(
        keras.Sequential(
            [keras.Input((10, 2)), layers.Permute((2, 1)), body, layers.GlobalAveragePooling1D("channels_first"),
             layers.Dense(4)]
        )
    )  # fmt: skip
    x = rng.random((3, 10, 2), np.float32)
    kernel, bias = model.layers["conv"].get_weights()
    windows = np.stack([x[:, start : start + 3] for start in range(8)], 1)
    expected = np.einsum("ntkc,kcf->ntf", windows, kernel).mean(1) + bias
    assert model.n_filters("body") == 5
    for name in ("body", "conv"):
        np.testing.assert_allclose(features(model, x, name), expected, rtol=1e-4, atol=1e-5)


def test_of_a_model_explained_at_a_step_they_are_those_of_the_step(keras, rng):
    layers = keras.layers
    inputs = keras.Input((10, 2))
    before = layers.Conv1D(3, 3, padding="same", activation="relu", name="before")(inputs)
    maps = layers.Conv1D(5, 3, padding="same", activation="relu", name="maps")(before)
    steps = layers.Cropping1D((6, 2), name="explained_steps")(layers.Dense(3, name="scores")(maps))
    model = ExplainedModel(keras.Model(inputs, layers.GlobalAveragePooling1D(name="mean_of_steps")(steps)))
    x = rng.random((4, 10, 2), np.float32)
    name = feature_layer(model, "last_features")
    kernel, bias = model.layers["scores"].get_weights()
    np.testing.assert_allclose(features(model, x, name) @ kernel + bias, model.logits(x), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(features(model, x, name, everywhere=True), model.activations(x, name).mean(1), rtol=1e-5)
    # Of another layer, other steps count as well.
    np.testing.assert_allclose(features(model, x, "before"), model.activations(x, "before").mean(1), rtol=1e-5)
