"""However its ReLUs are written, a function has one guided map and one deconvnet map, or is refused by name."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pellucid.errors import InputError
from pellucid.network.explained_model import ExplainedModel

SETTINGS = settings(
    derandomize=True, deadline=None, max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def own_layer(keras, function):
    """A layer of somebody's own around a function of tensors."""

    class Own(keras.layers.Layer):
        def call(self, x):
            return function(x)

    return Own()


def spellings(keras):
    """Ways to write max(x, 0) that are one function, by name: each is put on a tensor."""
    import tensorflow as tf

    ops, layers = keras.ops, keras.layers
    return {
        "layer": lambda x: layers.ReLU()(x),
        "activation": lambda x: layers.Activation("relu")(x),
        "ops.relu": ops.relu,
        "activations.relu": keras.activations.relu,
        "maximum": lambda x: ops.maximum(x, 0),
        "zero first": lambda x: ops.maximum(0.0, x),
        "maximum layer": lambda x: layers.Maximum()([x, ops.zeros_like(x)]),
        "where": lambda x: ops.where(x > 0, x, 0.0),
        "where not": lambda x: ops.where(x < 0, 0.0, x),
        "product": lambda x: x * ops.cast(x > 0, "float32"),
        "clip": lambda x: ops.clip(x, 0, 1e9),
        "tf.nn.relu": lambda x: own_layer(keras, tf.nn.relu)(x),
        "tf.maximum": lambda x: own_layer(keras, lambda value: tf.maximum(tf.constant(0.0), value))(x),
        "tf.where": lambda x: own_layer(keras, lambda value: tf.where(value > 0, value, tf.zeros_like(value)))(x),
        "lambda": lambda x: layers.Lambda(tf.nn.relu)(x),
        "branches": lambda x: own_layer(
            keras, lambda value: tf.cond(tf.reduce_sum(value) > 0, lambda: tf.nn.relu(value), lambda: tf.nn.relu(value))
        )(x),
        "every step": lambda x: layers.TimeDistributed(layers.ReLU())(x),
        "nested": lambda x: keras.Sequential([layers.Input(x.shape[1:]), layers.ReLU()])(x),
        "negative slope of 0": lambda x: layers.LeakyReLU(negative_slope=0.0)(x),
    }


def network(keras, put, seed, axes=1, branch=False):
    """A small network with three ReLUs, the middle one written by `put`; equal weights for equal seeds."""
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    conv = getattr(layers, f"Conv{axes}D")
    start = keras.Input((*(7, 5)[:axes], 2))
    x = conv(4, 3, padding="same", activation="relu", bias_initializer="random_normal")(start)
    hidden = conv(4, 3, padding="same", bias_initializer="random_normal")(x)
    rectified = put(hidden)
    x = layers.Add()([x, rectified]) if branch else rectified
    x = layers.Dense(5)(layers.Flatten()(x))
    model = keras.Model(start, layers.Dense(3)(layers.ReLU()(x)))
    values = np.random.default_rng(seed)
    model.set_weights([values.normal(0, 0.5, weights.shape) for weights in model.get_weights()])
    return model


def maps(model, seed=0, rules=("plain", "guided", "deconvnet")):
    values = np.random.default_rng(seed)
    inputs = values.normal(size=(4, *model.input_shape[1:])).astype(np.float32)
    explained_model, targets = ExplainedModel(model), np.arange(4) % 3
    return {rule: explained_model.gradient(inputs, targets, rule) for rule in rules}


NAMES = (
    *("layer", "activation", "ops.relu", "activations.relu", "maximum", "zero first", "maximum layer", "where"),
    *("where not", "product", "clip", "tf.nn.relu", "tf.maximum", "tf.where", "lambda", "branches", "every step"),
    *("nested",),
)


def chain(keras, puts, seed):
    """A network with a ReLU for each of `puts`, residual, with equal weights for equal seeds."""
    layers = keras.layers
    start = keras.Input((4, 2))
    x = layers.Conv1D(3, 3)(start)
    for put in puts:
        x = layers.Add()([x, put(layers.Dense(3)(x))])
    model = keras.Model(start, layers.Dense(3)(layers.Flatten()(x)))
    values = np.random.default_rng(seed)
    model.set_weights([values.normal(0, 0.4, weights.shape) for weights in model.get_weights()])
    return model


def test_every_spelling_has_the_same_maps(keras):
    expected = maps(chain(keras, [spellings(keras)["layer"]] * len(NAMES), 3))
    assert np.abs(expected["guided"] - expected["plain"]).max() > 0.1
    found = maps(chain(keras, [spellings(keras)[name] for name in NAMES], 3))
    for rule, values in expected.items():
        np.testing.assert_allclose(found[rule], values, rtol=1e-4, atol=1e-5 * np.abs(values).max(), err_msg=rule)


@SETTINGS
@given(
    seed=st.integers(0, 99),
    names=st.lists(st.sampled_from(NAMES), min_size=2, max_size=2, unique=True),
    axes=st.sampled_from([1, 2]),
    branch=st.booleans(),
)
def test_two_spellings_in_a_random_network(keras, seed, names, axes, branch):
    one, other = (maps(network(keras, spellings(keras)[name], seed, axes, branch), seed) for name in names)
    for rule in one:
        np.testing.assert_allclose(other[rule], one[rule], atol=1e-5, err_msg=f"{names}, {rule}")


@pytest.mark.parametrize("rule", ["guided", "deconvnet"])
def test_bounded_relus_are_one_however_they_are_written(keras, rule):
    ops, layers = keras.ops, keras.layers
    ways = [
        lambda x: layers.ReLU(6.0)(6 * x) / 6,
        lambda x: layers.ReLU(1.0)(x),
        lambda x: ops.relu6(6 * x) / 6,
        lambda x: ops.clip(x, 0, 1),
        lambda x: ops.minimum(ops.relu(x), 1),
        lambda x: ops.relu(ops.minimum(x, 1)),
        lambda x: layers.Activation("hard_sigmoid")(6 * x - 3),
    ]
    found = [maps(network(keras, way, 5), rules=[rule])[rule] for way in ways]
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-5)


def recurrent(keras, kind, unroll):
    keras.utils.set_random_seed(2)
    layers = keras.layers
    kinds = {
        "SimpleRNN": lambda: layers.SimpleRNN(4, activation="relu", unroll=unroll),
        "GRU": lambda: layers.Bidirectional(layers.GRU(3, activation="relu", unroll=unroll)),
        "LSTM": lambda: layers.RNN(layers.LSTMCell(3, activation="relu"), unroll=unroll),
    }
    start = keras.Input((4, 2))
    model = keras.Model(start, layers.Dense(3)(kinds[kind]()(layers.Conv1D(3, 2, activation="relu")(start))))
    values = np.random.default_rng(1)
    model.set_weights([values.normal(0, 0.6, weights.shape) for weights in model.get_weights()])
    return model


@pytest.mark.parametrize(
    "kind", ["SimpleRNN", pytest.param("GRU", marks=pytest.mark.slow), pytest.param("LSTM", marks=pytest.mark.slow)]
)
def test_a_loop_is_what_its_steps_are_one_after_the_other(keras, kind):
    loop, steps = (maps(recurrent(keras, kind, unroll)) for unroll in (False, True))
    assert np.abs(loop["guided"] - loop["plain"]).max() > 1e-3
    for rule in loop:
        np.testing.assert_allclose(loop[rule], steps[rule], atol=1e-5)


def refused(keras):
    import tensorflow as tf

    ops, layers = keras.ops, keras.layers

    @tf.function
    def function(x):
        return tf.nn.relu(x)

    @tf.custom_gradient
    def custom(x):
        return tf.nn.relu(x), lambda upstream: upstream * tf.cast(x > 0, tf.float32)

    return {
        "LeakyReLU": lambda x: layers.LeakyReLU(name="culprit")(x),
        "PReLU": lambda x: layers.PReLU("random_normal", name="culprit")(x),
        "negative slope": lambda x: layers.ReLU(negative_slope=0.1, name="culprit")(x),
        "negative slope and bound": lambda x: layers.ReLU(2.0, negative_slope=0.1, name="culprit")(x),
        "threshold": lambda x: layers.ReLU(threshold=0.2, name="culprit")(x),
        "leaky in ops": lambda x: ops.maximum(x, 0.1 * x),
        "leaky by where": lambda x: ops.where(x > 0, x, 0.1 * x),
        "by the absolute value": lambda x: (x + ops.abs(x)) / 2,
        "by the minimum": lambda x: x - ops.minimum(x, 0),
        "tf.function": lambda x: own_layer(keras, function)(x),
        "custom gradient": lambda x: own_layer(keras, custom)(x),
    }


NOT_RELUS = (
    *("LeakyReLU", "PReLU", "negative slope", "negative slope and bound", "threshold", "leaky in ops"),
    *("leaky by where", "by the absolute value", "by the minimum", "tf.function", "custom gradient"),
)


@pytest.mark.parametrize("kind", NOT_RELUS)
def test_what_cannot_be_modified_is_refused_and_never_left_alone(keras, kind):
    model = network(keras, refused(keras)[kind], 4)
    where = "culprit" if any(layer.name == "culprit" for layer in model.layers) else ""
    for rule in ("guided", "deconvnet"):
        with pytest.raises(InputError, match=f"^layer .*{where}"):
            maps(model, rules=[rule])


def test_smooth_activations_are_no_relus(keras):
    layers, x = keras.layers, keras.Input((6, 2))
    start = x
    for activation in ("elu", "gelu", "silu", "celu", "selu", "softplus", "soft_shrink", "hard_shrink", "tanh"):
        x = layers.Dense(4, activation)(x)
    smooth = keras.Model(start, layers.Dense(3)(layers.Flatten()(x)))
    with pytest.raises(InputError, match="no ReLU"):
        maps(smooth, rules=["guided"])
