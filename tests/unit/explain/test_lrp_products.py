"""LRP through gates and attention: against the same network with parts held constant, and against plain loops.

Where every function f(x) is spelled x · c with the constant c = f(x) / x, every gate is a constant, and of a product of
two values each factor has half of the gradient, gradient × input is what the rules say with a small epsilon.
"""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.explain import lrp
from pellucid.network.explained_model import ExplainedModel

STEPS, CHANNELS, UNITS = 5, 3, 4
EPSILON = {"composite": "epsilon", "epsilon": 1e-9}


def constant(value):
    import tensorflow as tf

    return tf.stop_gradient(value)


def passing(function, value):
    """f(x) as x · c."""
    return value * constant(function(value) / value)


def halves(product, one, other):
    """A product of two values of which each has half of the gradient."""
    return 0.5 * product(one, constant(other)) + 0.5 * product(constant(one), other)


def relevance(model, x, targets, **parameters):
    found = lrp.explain(ExplainedModel(model), x, targets, np.random.default_rng(0), **{**EPSILON, **parameters})
    return found, ExplainedModel(model).score(x, targets)


def gradient_times_input(function, x, targets):
    import tensorflow as tf

    batch = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(batch)
        scores = tf.gather(function(batch), targets, axis=1, batch_dims=1)
    return (tape.gradient(scores, batch) * batch).numpy()


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(2).normal(size=(3, STEPS, CHANNELS)).astype(np.float32)


TARGETS = np.array([0, 1, 1])


def lstm_steps(x, kernel, recurrent, bias, backwards=False):
    import tensorflow as tf

    hidden = cell = tf.zeros((len(x), UNITS))
    outputs = []
    for step in reversed(range(x.shape[1])) if backwards else range(x.shape[1]):
        # The bias takes a part of the relevance, as in a dense layer.
        z = x[:, step] @ kernel + hidden @ recurrent + bias
        let_in, forget, new, out = tf.split(z, 4, axis=1)
        let_in, forget, out = (constant(tf.sigmoid(gate)) for gate in (let_in, forget, out))
        cell = forget * cell + let_in * passing(tf.tanh, new)
        hidden = out * passing(tf.tanh, cell)
        outputs.append(hidden)
    return tf.stack(outputs, 1)


def gru_steps(x, kernel, recurrent, bias):
    import tensorflow as tf

    hidden, outputs = tf.zeros((len(x), UNITS)), []
    for step in range(x.shape[1]):
        update, reset, new = tf.split(x[:, step] @ kernel + bias[0], 3, axis=1)
        update_h, reset_h, new_h = tf.split(hidden @ recurrent + bias[1], 3, axis=1)
        update, reset = (constant(tf.sigmoid(one + two)) for one, two in ((update, update_h), (reset, reset_h)))
        hidden = update * hidden + (1 - update) * passing(tf.tanh, new + reset * new_h)
        outputs.append(hidden)
    return tf.stack(outputs, 1)


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "Bidirectional", "stacked"])
def test_gates_get_nothing(x, kind, biased):
    import keras
    import tensorflow as tf

    layers = keras.layers
    keras.utils.set_random_seed(7)
    initial = keras.initializers.RandomNormal(stddev=0.3) if biased else "zeros"
    # The forget gate's bias of 1 is a part of a gate, which is a constant.
    made = {"bias_initializer": initial, "unit_forget_bias": False} if kind != "GRU" else {"bias_initializer": initial}
    given = keras.Input((STEPS, CHANNELS))
    if kind == "Bidirectional":
        hidden = layers.Bidirectional(layers.LSTM(UNITS, return_sequences=True, **made))(given)
        hidden = layers.GlobalAveragePooling1D()(hidden)
    elif kind == "stacked":
        hidden = layers.LSTM(UNITS, **made)(layers.LSTM(UNITS, return_sequences=True, **made)(given))
    else:
        hidden = getattr(layers, kind)(UNITS, **made)(given)
    model = keras.Model(given, layers.Dense(2)(hidden))
    weights, head = [tf.constant(w) for w in model.get_weights()[:-2]], model.get_weights()[-2:]

    def spelled(batch):
        if kind == "Bidirectional":
            both = [lstm_steps(batch, *weights[:3]), lstm_steps(batch, *weights[3:], backwards=True)]
            last = tf.reduce_mean(tf.concat(both, 2), 1)
        elif kind == "stacked":
            last = lstm_steps(lstm_steps(batch, *weights[:3]), *weights[3:])[:, -1]
        else:
            last = (lstm_steps if kind == "LSTM" else gru_steps)(batch, *weights)[:, -1]
        return last @ head[0] + head[1]

    np.testing.assert_allclose(spelled(tf.constant(x)), model(x), atol=1e-5)
    found, scores = relevance(model, x, TARGETS)
    np.testing.assert_allclose(found, gradient_times_input(spelled, x, TARGETS), atol=2e-4 * np.abs(found).max())
    if not biased:
        np.testing.assert_allclose(found.sum((1, 2)), scores, rtol=1e-3)


def test_a_channel_gate_gets_nothing(x):
    import keras
    import tensorflow as tf

    layers = keras.layers
    keras.utils.set_random_seed(3)
    given = keras.Input((STEPS, CHANNELS))
    maps = layers.Conv1D(UNITS, 3, use_bias=False)(given)
    gate = layers.Dense(UNITS, activation="sigmoid")(layers.GlobalAveragePooling1D()(maps))
    gated = layers.Multiply()([maps, layers.Reshape((1, UNITS))(gate)])
    model = keras.Model(given, layers.Dense(2, use_bias=False)(layers.GlobalAveragePooling1D()(gated)))
    kernel, dense, bias, head = (tf.constant(w) for w in model.get_weights())

    def spelled(batch):
        maps = tf.nn.conv1d(batch, kernel, 1, "VALID")
        gate = constant(tf.sigmoid(tf.reduce_mean(maps, 1) @ dense + bias))
        return tf.reduce_mean(maps * gate[:, None], 1) @ head

    found, scores = relevance(model, x, TARGETS)
    np.testing.assert_allclose(found, gradient_times_input(spelled, x, TARGETS), atol=1e-5)
    np.testing.assert_allclose(found.sum((1, 2)), scores, rtol=1e-4)


@pytest.mark.parametrize("normed", [False, True])
def test_attention_with_halves_and_a_linear_softmax(x, normed):
    import keras
    import tensorflow as tf

    layers = keras.layers
    keras.utils.set_random_seed(5)
    given = keras.Input((STEPS, CHANNELS))
    tokens = layers.Dense(6, use_bias=False)(given)
    attended = layers.MultiHeadAttention(2, 3, use_bias=False)(tokens, tokens)
    summed = layers.Add()([tokens, attended])
    if normed:
        summed = layers.LayerNormalization()(summed)
    model = keras.Model(given, layers.Dense(2, use_bias=False)(layers.GlobalAveragePooling1D()(summed)))
    weights = [tf.constant(w) for w in model.get_weights()]
    dense, query, key, value, out = weights[:5]

    def norm(tokens):
        mean = tf.reduce_mean(tokens, -1, keepdims=True)
        deviation = tf.sqrt(tf.reduce_mean((tokens - mean) ** 2, -1, keepdims=True) + 1e-3)
        return tokens * constant((tokens - mean) / deviation / tokens)

    def spelled(batch):
        tokens = batch @ dense
        q, k, v = (tf.einsum("ntc,chd->nhtd", tokens, w) for w in (query, key, value))
        logits = halves(lambda a, b: tf.einsum("nhtd,nhsd->nhts", a, b), q, k) / np.sqrt(3)
        mixed = halves(lambda a, b: tf.einsum("nhts,nhsd->nhtd", a, b), tf.nn.softmax(logits), v)
        summed = tokens + tf.einsum("nhtd,hdc->ntc", mixed, out)
        return tf.reduce_mean(norm(summed) if normed else summed, 1) @ weights[-1]

    np.testing.assert_allclose(spelled(tf.constant(x)), model(x), atol=1e-5)
    found, _ = relevance(model, x, TARGETS)
    np.testing.assert_allclose(found, gradient_times_input(spelled, x, TARGETS), atol=2e-4 * np.abs(found).max())


def test_attention_by_plain_loops():
    """One head, one unit: the rules of the paper, written out."""
    import keras

    layers = keras.layers
    keras.utils.set_random_seed(11)
    given = keras.Input((3, 1))
    model = keras.Model(given, layers.Flatten()(layers.MultiHeadAttention(1, 1, use_bias=False)(given, given)))
    query, key, value, out = (float(np.ravel(w)[0]) for w in model.get_weights())
    x = np.array([[[0.7], [-1.2], [0.4]]], np.float32)
    found, scores = relevance(model, x, np.array([2]))
    q, k, v = (x[0, :, 0].astype(float) * w for w in (query, key, value))
    logits = np.outer(q, k)
    weights = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    mixed = weights @ v
    np.testing.assert_allclose(mixed[2] * out, scores[0], rtol=1e-5)
    of_q, of_k, of_v = np.zeros(3), np.zeros(3), np.zeros(3)
    of_mixed = mixed[2] * out  # of the third token, which is explained
    of_weights = np.zeros(3)
    for j in range(3):
        of_weights[j] += weights[2, j] * v[j] / mixed[2] * of_mixed / 2
        of_v[j] += weights[2, j] * v[j] / mixed[2] * of_mixed / 2
    for j in range(3):
        of_logit = logits[2, j] * (of_weights[j] - weights[2, j] * of_weights.sum())
        of_q[2] += of_logit / 2
        of_k[j] += of_logit / 2
    np.testing.assert_allclose(found[0, :, 0], of_q + of_k + of_v, rtol=1e-4, atol=1e-7)


def test_a_normalisation_that_is_used_twice_passes_each_on(x):
    import keras

    layers = keras.layers

    keras.utils.set_random_seed(5)
    given = keras.Input((STEPS, CHANNELS))
    norm = layers.LayerNormalization()
    one, two = (norm(layers.Conv1D(UNITS, size, padding="same", use_bias=False)(given)) for size in (1, 3))
    model = keras.Model(given, layers.Dense(2, use_bias=False)(layers.Flatten()(layers.Concatenate()([one, two]))))
    found, scores = relevance(model, x, TARGETS)
    np.testing.assert_allclose(found.sum((1, 2)), scores, rtol=1e-3)


def test_an_own_layer_with_the_name_of_a_normalisation_is_none(x):
    import keras

    layers = keras.layers

    class LayerNormalization(layers.Layer):
        def call(self, inputs):
            return inputs * keras.ops.mean(inputs, -1, keepdims=True)

    given = keras.Input((STEPS, CHANNELS))
    model = keras.Model(given, layers.Dense(2)(layers.Flatten()(LayerNormalization()(given))))
    with pytest.raises(InputError, match="the operation Mul on several values, for which there is no rule"):
        relevance(model, x, TARGETS)


def test_a_product_of_two_signals_has_no_rule(x):
    import keras

    layers = keras.layers
    given = keras.Input((STEPS, CHANNELS))
    one, two = (layers.Conv1D(UNITS, 3, activation="tanh")(given) for _ in range(2))
    model = keras.Model(given, layers.Dense(2)(layers.Flatten()(layers.Multiply()([one, two]))))
    with pytest.raises(InputError, match="the operation Mul on several values, for which there is no rule"):
        relevance(model, x, TARGETS)


@pytest.mark.parametrize("composite", ["epsilon_plus", "epsilon_alpha2_beta1", "epsilon_plus_flat"])
def test_composites_go_through_recurrent_layers(x, composite):
    import keras

    layers = keras.layers
    keras.utils.set_random_seed(7)
    given = keras.Input((STEPS, CHANNELS))
    hidden = layers.LSTM(UNITS)(layers.Conv1D(UNITS, 3, activation="relu", use_bias=False)(given))
    model = keras.Model(given, layers.Dense(2, use_bias=False)(hidden))
    found, _ = relevance(model, x, TARGETS, composite=composite)
    assert np.isfinite(found).all()
    assert np.abs(found).max() > 0


def test_steps_are_laid_out_for_lrp_alone(x):
    import keras

    layers = keras.layers
    model = keras.Sequential([keras.Input((STEPS, CHANNELS)), layers.LSTM(UNITS), layers.Dense(2)])
    relevance(model, x, TARGETS)
    assert model.layers[0].unroll is False
