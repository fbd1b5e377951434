"""The ExplainedModel against Keras itself, on models of every make."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.network.explained_model import ExplainedModel


def nested_functional(keras, inner):
    inputs = keras.Input((8, 8, 1))
    return keras.Model(inputs, keras.layers.Dense(3, activation="softmax", name="head")(inner(inputs)))


def makes(keras):
    """The same kind of network as Sequential, functional, nested twice over, and with a softmax layer of its own."""
    layers = keras.layers
    backbone = keras.Sequential(
        [layers.Input((8, 8, 1)), layers.Conv2D(4, 3, activation="tanh", name="inner_conv"), layers.Flatten()],
        name="backbone",
    )
    inputs = keras.Input((8, 8, 1))
    hidden = layers.Flatten()(layers.Conv2D(4, 3, activation="tanh", name="inner_conv")(inputs))
    return {
        "sequential": keras.Sequential(
            [layers.Input((8, 8, 1)), *backbone.layers, layers.Dense(3, activation="softmax")]
        ),
        "functional": keras.Model(inputs, layers.Dense(3, activation="softmax")(hidden)),
        "softmax layer": keras.Model(inputs, layers.Softmax()(layers.Dense(3)(hidden))),
        "activation layer": keras.Model(inputs, layers.Activation("softmax")(layers.Dense(3)(hidden))),
        "linear": keras.Model(inputs, layers.Dense(3)(hidden)),
        "nested": nested_functional(keras, backbone),
        "nested last": keras.Sequential(
            [
                layers.Input((8, 8, 1)),
                keras.Sequential([layers.Input((8, 8, 1)), *backbone.layers, layers.Dense(3, activation="softmax")]),
            ]
        ),
    }


MAKES = ["sequential", "functional", "softmax layer", "activation layer", "linear", "nested", "nested last"]


@pytest.fixture(scope="module")
def models(keras):
    keras.utils.set_random_seed(5)
    return makes(keras)


@pytest.mark.parametrize("make", MAKES)
def test_logits_are_what_the_softmax_is_taken_of(keras, models, make, rng):
    model, x = models[make], rng.random((5, 8, 8, 1), np.float32)
    explained_model = ExplainedModel(model)
    logits, answer = explained_model.logits(x), model.predict(x, verbose=0)
    if make == "linear":
        np.testing.assert_allclose(logits, answer, rtol=1e-5, atol=1e-6)
    else:
        assert not np.allclose(logits.sum(1), 1)
        np.testing.assert_allclose(explained_model.probabilities(x), answer, rtol=1e-5, atol=1e-6)
        # A softmax loses a constant per example, and nothing else.
        difference = np.log(answer) - logits
        np.testing.assert_allclose(difference, np.broadcast_to(difference[:, :1], difference.shape), atol=1e-5)


@pytest.mark.parametrize("make", MAKES)
def test_the_model_itself_is_left_as_it_was(keras, models, make, rng):
    model, x = models[make], rng.random((3, 8, 8, 1), np.float32)
    before = model.predict(x, verbose=0)
    explained_model = ExplainedModel(model)
    explained_model.gradient(x, np.array([0, 1, 2]))
    explained_model.activations_and_gradient(x, np.array([0, 1, 2]), "inner_conv")
    model.predict_function = None  # traced again: a layer left in its altered state would show
    np.testing.assert_array_equal(model.predict(x, verbose=0), before)
    assert all("call" not in vars(layer) for layer in explained_model.layers.values())


@pytest.mark.parametrize("make", MAKES)
def test_gradient_is_the_slope_of_the_logit(keras, models, make, rng):
    model, x, target = ExplainedModel(models[make]), rng.random((3, 8, 8, 1), np.float32), np.array([0, 2, 1])
    gradient = model.gradient(x, target)
    direction = rng.normal(size=x.shape).astype(np.float32)
    step = 1e-2
    slope = (model.score(x + step * direction, target) - model.score(x - step * direction, target)) / (2 * step)
    np.testing.assert_allclose((gradient * direction).sum((1, 2, 3)), slope, rtol=2e-2, atol=2e-3)


@pytest.mark.parametrize("make", MAKES)
def test_activations_reach_into_nested_models(keras, models, make, rng):
    model, x = ExplainedModel(models[make]), rng.random((2, 8, 8, 1), np.float32)
    layer = model.layers["inner_conv"]
    np.testing.assert_allclose(model.activations(x, "inner_conv"), layer(x).numpy(), rtol=1e-5, atol=1e-6)


def test_gradient_at_a_layer_predicts_the_change_of_a_linear_head(keras, models, rng):
    # From the convolution on, flatten and dense are linear: logit = bias + sum of activation × gradient.
    model, x, target = models["functional"], rng.random((4, 8, 8, 1), np.float32), np.array([0, 1, 2, 0])
    explained_model = ExplainedModel(model)
    activation, gradient = explained_model.activations_and_gradient(x, target, "inner_conv")
    bias = model.layers[-1].bias.numpy()[target]
    np.testing.assert_allclose(
        bias + (activation * gradient).sum((1, 2, 3)), explained_model.score(x, target), rtol=1e-4
    )


@pytest.mark.parametrize("size", [1, 3, 7, 256])
def test_batch_size_does_not_matter(heartbeat, size, rng):
    x, target = rng.random((7, 186, 1), np.float32), rng.integers(0, 5, 7)
    whole, parts = ExplainedModel(heartbeat, batch_size=256), ExplainedModel(heartbeat, batch_size=size)
    np.testing.assert_allclose(parts.logits(x), whole.logits(x), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(parts.gradient(x, target), whole.gradient(x, target), rtol=1e-4, atol=1e-6)


def test_a_smaller_memory_budget_means_smaller_batches(multivariate):
    assert (
        ExplainedModel(multivariate, memory_mb=1).batch_size() < ExplainedModel(multivariate, memory_mb=64).batch_size()
    )
    assert ExplainedModel(multivariate, memory_mb=1).batch_size(backward=True) >= 1


def test_counts_its_passes(heartbeat, rng):
    model, x = ExplainedModel(heartbeat), rng.random((6, 186, 1), np.float32)
    model.logits(x)
    assert (model.forward_passes, model.backward_passes) == (6, 0)
    model.gradient(x, np.zeros(6, int))
    assert (model.forward_passes, model.backward_passes) == (12, 6)
    model.guided_gradient_and_activations(x, np.zeros(6, int), model.conv_layers[-1])
    assert (model.forward_passes, model.backward_passes) == (18, 18)


def test_each_function_is_traced_once_whatever_the_number_of_inputs(heartbeat, rng):
    model = ExplainedModel(heartbeat, batch_size=4)
    for n in (1, 3, 4, 9, 2):
        model.logits(rng.random((n, 186, 1), np.float32))
    (function,) = model._compiled.values()
    assert function.experimental_get_tracing_count() == 1


def test_takes_no_inputs_too(heartbeat):
    assert ExplainedModel(heartbeat).logits(np.empty((0, 186, 1), np.float32)).shape == (0, 5)


def test_conv_layers_are_found_in_nested_models(models, multivariate):
    assert ExplainedModel(models["nested"]).conv_layers == ["inner_conv"]
    assert ExplainedModel(multivariate).conv_layers == ["conv_1", "conv_2"]


def test_a_layer_used_twice_is_refused(keras, rng):
    shared = keras.layers.Conv1D(1, 3, padding="same", name="twice")
    inputs = keras.Input((6, 1))
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(shared(shared(inputs)))))
    with pytest.raises(InputError, match="layer twice: found a layer that is used 2 times"):
        ExplainedModel(model).activations(rng.random((1, 6, 1), np.float32), "twice")
