"""Which layers a model is made of, where a user's own layer has something called `layers`."""

import numpy as np
import pytest

from pellucid.network.checkpoint_weights import _weighted
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.layers import nested
from pellucid.views.pruning import kernels
from pellucid.views.shared.features import feature_layer
from pellucid.views.shared.last_dense import LastDense


@pytest.fixture(params=["some", "number"])
def model(request, keras):
    """A network of two blocks that keep some of their layers in `layers`, or the number of their layers."""
    layers = keras.layers

    class Block(layers.Layer):
        def __init__(self):
            super().__init__()
            self.steps = [layers.Conv1D(4, 3, padding="same") for _ in range(2)]
            self.layers = self.steps if request.param == "some" else len(self.steps)
            self.mixed = layers.Dense(4)

        def build(self, shape):
            for step in self.steps:
                step.build(shape)
            self.mixed.build(shape)

        def call(self, x):
            for step in self.steps:
                x = step(x)
            return self.mixed(x)

    return keras.Sequential(
        [keras.Input((12, 4)), Block(), Block(), layers.GlobalAveragePooling1D(name="pooled"), layers.Dense(3)]
    )


def test_all_weights_of_a_users_layer_are_its_own(keras, model, rng):
    explained, x = ExplainedModel(model), rng.random((5, 12, 4), np.float32)
    assert sum(value.size for values in explained.weights.values() for value in values) == model.count_params()
    kept = {weight.path for weight in model.weights if weight.path.endswith("kernel")}
    assert {explained.layers[name].weights[at].path for name, at in kernels(explained)} == kept
    assert sum(layer.count_params() for layer in _weighted(model)) == model.count_params()
    assert feature_layer(explained, "last_features") == "pooled"
    assert LastDense.of(explained, x).layer == "pooled"
    zeros = {name: [np.zeros_like(value) for value in values] for name, values in explained.weights.items()}
    with explained.altered(zeros):
        assert not any(np.any(weight) for weight in model.get_weights())
        np.testing.assert_array_equal(explained.logits(x), 0)


def test_nested_models_are_made_of_their_layers(keras):
    layers = keras.layers
    chain = keras.Sequential([keras.Input((12, 4)), layers.Conv1D(4, 3)])
    inputs = keras.Input((12, 4))
    graph = keras.Model(inputs, layers.Dense(2)(inputs))
    assert nested(chain)
    assert nested(graph)
    assert not nested(layers.Dense(2))

    class All(layers.Layer):
        def __init__(self):
            super().__init__()
            self.layers = [layers.Dense(2), layers.Dense(3)]

    whole = All()
    for one in whole.layers:
        one.build((None, 4))
    whole.built = True
    assert nested(whole)
