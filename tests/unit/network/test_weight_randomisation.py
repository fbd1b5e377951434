"""Fresh weights: drawn as the layer's initialisers draw them, whatever the layer; and the cascade from the top."""

import random

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.weight_randomisation import cascading, fresh_weights, weighted_layers


def equal(one, two):
    return len(one) == len(two) and all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


@pytest.fixture(scope="module")
def every_kind(keras):
    """A model whose weights are all but what its initialisers draw, with many kinds of layers, one model inside."""
    layers = keras.layers
    inner = keras.Sequential(
        [layers.Input((10, 6)), layers.Bidirectional(layers.LSTM(4, return_sequences=True), name="both_ways")],
        name="inner",
    )
    x = layers.Input((20, 3))
    hidden = layers.SeparableConv1D(6, 3, padding="same", name="separable")(x)
    hidden = layers.BatchNormalization(name="norm")(hidden)
    hidden = layers.MaxPooling1D(2)(hidden)
    hidden = inner(hidden)
    hidden = layers.MultiHeadAttention(2, 4, name="attention")(hidden, hidden)
    hidden = layers.LayerNormalization(name="layer_norm")(hidden)
    hidden = layers.TimeDistributed(layers.Dense(5), name="steps")(hidden)
    hidden = layers.GRU(4, name="gru")(hidden)
    seeded = keras.initializers.HeNormal(seed=7)
    hidden = layers.Dense(30, kernel_initializer=seeded, bias_initializer="ones", name="seeded")(hidden)
    model = keras.Model(x, layers.Dense(4, activation="softmax", name="classes")(layers.PReLU(name="prelu")(hidden)))
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(2, 3, weight.shape) for weight in model.get_weights()])
    return model


def test_layers_come_from_the_output_down(every_kind, multivariate):
    assert weighted_layers(ExplainedModel(multivariate)) == [
        "classes",
        "dense_1",
        "norm_2",
        "conv_2",
        "norm_1",
        "conv_1",
    ]
    expected = ["classes", "prelu", "seeded", "gru", "steps", "layer_norm", "attention", "both_ways", "norm"]
    assert weighted_layers(ExplainedModel(every_kind)) == [*expected, "separable"]


def test_every_kind_of_layer_gets_new_weights_of_its_shapes(every_kind):
    model = ExplainedModel(every_kind)
    own = model.weights
    for name in weighted_layers(model):
        one, two, other = (fresh_weights(model.layers[name], seed) for seed in (1, 1, 2))
        assert [weight.shape for weight in one] == [weight.shape for weight in own[name]]
        assert equal(one, two)
        # Those that are not constants at the start differ from draw to draw, also where the config has a seed.
        assert equal(one, other) == (name in ("norm", "layer_norm", "prelu"))
        # The model's own are from 2 to 3.
        assert all((weight < 2).all() for weight in one)
        assert equal(model.layers[name].get_weights(), own[name])


def test_each_weight_has_the_distribution_of_its_initialiser(keras, every_kind):
    kernel, bias = fresh_weights(ExplainedModel(every_kind).layers["seeded"], 3)
    np.testing.assert_array_equal(bias, 1)
    # He normal of 4 inputs: standard deviation √(2/4), of 120 values.
    np.testing.assert_allclose(kernel.std(), np.sqrt(0.5), rtol=0.2)
    gamma, beta, mean, variance = fresh_weights(ExplainedModel(every_kind).layers["norm"], 3)
    np.testing.assert_array_equal(np.stack([gamma, beta, mean, variance])[:, 0], [1, 0, 0, 1])
    # Recurrent kernels start orthogonal, and the forget gate's bias at one.
    lstm = keras.layers.LSTM(5)
    lstm.build((None, 7, 3))
    _, recurrent, bias = fresh_weights(lstm, 3)
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(5), atol=1e-5)
    np.testing.assert_array_equal(bias, np.repeat([0, 1, 0, 0], 5))


def test_weights_of_one_layer_are_drawn_for_themselves(every_kind):
    # Query, key and value have kernels of one shape.
    kernels = [
        weight for weight in fresh_weights(ExplainedModel(every_kind).layers["attention"], 1) if weight.ndim == 3
    ][:3]
    assert kernels[0].shape == kernels[1].shape
    assert not any(np.array_equal(kernels[a], kernels[b]) for a, b in ((0, 1), (0, 2), (1, 2)))


def test_equals_what_keras_draws_itself(keras, multivariate):
    for name in ("conv_2", "dense_1"):
        layer = multivariate.get_layer(name)
        random.seed(11)
        copy = type(layer).from_config(layer.get_config())
        copy.build(layer.input.shape)
        assert equal(fresh_weights(layer, 11), copy.get_weights())


def test_leaves_pythons_generator_as_it_was(multivariate):
    before = random.getstate()
    fresh_weights(multivariate.get_layer("conv_1"), 1)
    assert random.getstate() == before


@pytest.mark.parametrize("network", ["multivariate", "every_kind", "attention", "mil"])
def test_the_cascade_starts_from_the_trained_weights_and_ends_there(request, network):
    model = request.getfixturevalue(network)
    explained_model = ExplainedModel(model)
    own, order = explained_model.weights, weighted_layers(explained_model)
    with cascading(explained_model, np.random.default_rng(5)) as layers:
        assert all(equal(explained_model.weights[name], own[name]) for name in order)
        for number, name in enumerate(layers, 1):
            assert name == order[number - 1]
            now = explained_model.weights
            assert all(equal(now[name], own[name]) for name in order[number:])
            changed = [name for name in order[:number] if not equal(now[name], own[name])]
            # A weight may start as it is by chance only where it starts as a constant.
            constant = [
                n for n in order[:number] if equal(*(fresh_weights(explained_model.layers[n], seed) for seed in (1, 2)))
            ]
            assert set(changed) >= set(order[:number]) - set(constant)
        assert number == len(order)
    assert all(equal(explained_model.weights[name], own[name]) for name in order)


def test_the_model_is_whole_again_after_an_error_and_a_cascade_that_was_left(multivariate):
    model = ExplainedModel(multivariate)
    own = model.weights

    def fail():
        with cascading(model, np.random.default_rng(5)) as layers:
            next(layers)
            next(layers)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert all(equal(model.weights[name], own[name]) for name in own)


def test_the_altered_model_is_one_that_was_put_together_with_those_weights(keras, heartbeat, rng):
    x, targets = rng.random((3, 186, 1), np.float32), np.array([0, 3, 4])
    model = ExplainedModel(heartbeat)
    copy = keras.models.clone_model(heartbeat)
    copy.set_weights(heartbeat.get_weights())
    seeds = np.random.default_rng(5)
    with cascading(model, np.random.default_rng(5)) as layers:
        for name in layers:
            copy.get_layer(name).set_weights(fresh_weights(heartbeat.get_layer(name), int(seeds.integers(2**31))))
            theirs = ExplainedModel(copy)
            np.testing.assert_allclose(model.logits(x), theirs.logits(x), rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(model.gradient(x, targets), theirs.gradient(x, targets), rtol=1e-4, atol=1e-6)


def test_refuses_a_layer_that_its_configuration_does_not_describe(keras):
    class Scale(keras.layers.Layer):
        def __init__(self, size, **options):
            super().__init__(**options)
            self.size = size

        def build(self, shape):
            self.scale = self.add_weight(shape=(self.size,))

        def call(self, x):
            return x * self.scale

        def get_config(self):
            return super().get_config()  # does not say its size

    layer = Scale(3, name="scale")
    layer.build((None, 3))
    with pytest.raises(InputError, match=r"layer scale \(Scale\): found a layer that cannot be made anew"):
        fresh_weights(layer, 1)
