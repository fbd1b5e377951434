"""Influence of training examples against gradients that TensorFlow takes, and labels that were flipped."""

from io import StringIO

import numpy as np
import pandas as pd
import pytest

from pellucid.errors import InputError
from pellucid.network.checkpoint_weights import Checkpoint
from pellucid.network.explained_model import ExplainedModel
from pellucid.targets import contrast
from pellucid.views.shared.checkpoint_influence import Influence
from pellucid.views.shared.last_dense import LastDense, loss_slope, score_slope
from pellucid.views.training_influence import compute
from tests.support.view_data import given


@pytest.fixture(scope="module")
def network(keras):
    layers = keras.layers
    keras.utils.set_random_seed(2)
    model = keras.Sequential(
        [keras.Input((14, 2)), layers.Conv1D(5, 3, activation="relu"), layers.GlobalAveragePooling1D(),
         layers.Dropout(0.5), layers.Dense(3, name="scores"), layers.Softmax()]
    )  # fmt: skip
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 14, 2)).astype(np.float32), np.arange(40) % 3
    return ExplainedModel(model), model, x, y


def last_gradients(model, x, loss):
    """Return the gradient of a function of the scores by the weights of the last layer, for each example: (N, …)."""
    import keras
    import tensorflow as tf

    layer = model.get_layer("scores")
    before = keras.Model(model.inputs, layer.input)
    rows = []
    for example in x:
        with tf.GradientTape() as tape:
            value = loss(layer(before(example[np.newaxis], training=False))[0])
        rows.append(np.concatenate([np.ravel(part) for part in tape.gradient(value, layer.trainable_variables)]))
    return np.array(rows, np.float64)


def cross_entropy(label):
    import tensorflow as tf

    return lambda scores: -tf.nn.log_softmax(scores)[label]


@pytest.mark.parametrize("of", ["score", "loss"])
def test_the_influence_is_the_product_of_the_gradients(network, of):
    explained, model, x, y = network
    data = given(explained, train=(x[:30], y[:30]), test=(x[30:], y[30:]))
    targets = np.array([0, 1, 2, contrast(0, 1), 2, 1])
    data.examples.update(labels=y[30:36], indices=np.arange(6), targets=targets)
    found = compute(explained, data, np.random.default_rng(0), of=of, neighbours=4, suspects=5)
    by_loss = np.concatenate([last_gradients(model, x[row : row + 1], cross_entropy(int(y[row]))) for row in range(36)])
    if of == "loss":
        other = by_loss[30:]
    else:
        parts = [(0, -1), (1, -1), (2, -1), (0, 1), (2, -1), (1, -1)]
        functions = [lambda s, w=w, n=n: -(s[w] - (s[n] if n >= 0 else 0)) for w, n in parts]
        other = np.concatenate([last_gradients(model, x[30 + k : 31 + k], f) for k, f in enumerate(functions)])
    influence = other @ by_loss[:30].T
    np.testing.assert_allclose(found["supporting_values"], -np.sort(-influence, 1)[:, :4], rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(found["opposing_values"], np.sort(influence, 1)[:, :4], rtol=1e-4, atol=1e-7)
    np.testing.assert_array_equal(found["supporting_indices"][:, 0], influence.argmax(1))
    own = (by_loss[:30] ** 2).sum(1)
    np.testing.assert_allclose(found["suspect_values"], -np.sort(-own)[:5], rtol=1e-4)
    np.testing.assert_array_equal(found["supporting"][2, 0], x[found["supporting_indices"][2, 0]])
    table = pd.read_csv(StringIO(found["csv"]))
    assert table["kind"].value_counts().to_dict() == {"supporting": 24, "opposing": 24, "suspect": 5}


@pytest.mark.parametrize("of", ["score", "loss"])
def test_over_checkpoints_it_is_the_sum_of_the_products_times_the_learning_rates(network, of):
    explained, model, x, y = network
    rng, rates, trained = np.random.default_rng(3), [0.5, 0.25, 0.125], explained.weights
    moved = [
        {name: [value + rng.normal(size=value.shape) for value in values] for name, values in trained.items()}
        for _ in rates[:-1]
    ]
    data = given(explained, train=(x[:30], y[:30]), test=(x[30:], y[30:]))
    data.examples.update(labels=y[30:36], indices=np.arange(6), targets=y[30:36])
    kept = zip([2, 4, 5], rates, [*moved, trained], strict=True)
    data.__dict__["checkpoints"] = [Checkpoint(*checkpoint) for checkpoint in kept]
    expected, own = 0.0, 0.0
    functions = [cross_entropy(int(label)) for label in y[:36]]
    others = functions[30:] if of == "loss" else [lambda scores, c=int(label): -scores[c] for label in y[30:36]]
    for rate, weights in zip(rates, [*moved, {}], strict=True):
        with explained.altered(weights):
            by = [last_gradients(model, x[row : row + 1], functions[row]) for row in range(30)]
            on = [last_gradients(model, x[30 + row : 31 + row], others[row]) for row in range(6)]
        expected += rate * (np.concatenate(on) @ np.concatenate(by).T)
        own += rate * (np.concatenate(by) ** 2).sum(1)
    found = compute(explained, data, np.random.default_rng(0), of=of, neighbours=4, suspects=5)
    np.testing.assert_allclose(found["supporting_values"], -np.sort(-expected, 1)[:, :4], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found["opposing_values"], np.sort(expected, 1)[:, :4], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found["suspect_values"], -np.sort(-own)[:5], rtol=1e-4)
    np.testing.assert_array_equal(found["epochs"], [2, 4, 5])
    for name, values in explained.weights.items():
        np.testing.assert_array_equal(values[0], trained[name][0])


def test_summed_over_all_training_examples_it_is_the_change_of_the_score(keras):
    """Gradient descent on a linear model, as a loop in numpy: each step moves a score by the mean of the influences."""
    rng, rate, steps = np.random.default_rng(4), 0.3, 6
    x, y = rng.normal(size=(25, 3, 2)), np.arange(25) % 3
    flat, onehot = np.concatenate([x.reshape(25, 6), np.ones((25, 1))], 1), np.eye(3)[y]
    path = [rng.normal(size=(7, 3))]
    for _ in range(steps):
        scores = np.exp(flat @ path[-1])
        path.append(path[-1] - rate * flat.T @ (scores / scores.sum(1, keepdims=True) - onehot) / 25)
    model = keras.Sequential([keras.Input((3, 2)), keras.layers.Flatten(), keras.layers.Dense(3, name="scores")])
    checkpoints = [Checkpoint(step, rate, {"scores": [w[:6], w[6]]}) for step, w in enumerate(path[:-1], 1)]
    # The model in hand is the one that takes the last step.
    weights = [value.astype(np.float32) for value in checkpoints[-1].weights["scores"]]
    model.get_layer("scores").set_weights(weights)
    checkpoints[-1].weights["scores"][:] = weights
    explained = ExplainedModel(model)
    data = given(explained, train=(x.astype(np.float32), y), test=(x[:4].astype(np.float32), y[:4]), examples=4)
    data.examples.update(labels=y[:4], targets=np.array([0, 1, 2, contrast(0, 2)]))
    data.__dict__["checkpoints"] = checkpoints
    found = Influence.of(explained, data, np.arange(25), on_loss=False)
    moved = flat[:4] @ (path[-1] - path[0])
    change = [moved[0, 0], moved[1, 1], moved[2, 2], moved[3, 0] - moved[3, 2]]
    np.testing.assert_allclose(found.on_examples.sum(1) / 25, change, rtol=1e-4)


def test_checkpoints_of_another_model_are_refused(network):
    explained, _, x, y = network
    data = given(explained, train=(x[:30], y[:30]), test=(x[30:], y[30:]))
    data.examples.update(labels=y[30:36], indices=np.arange(6), targets=y[30:36])
    weights = explained.weights
    weights["scores"][0][0, 0] += 1
    data.__dict__["checkpoints"] = [Checkpoint(1, 0.1, weights)]
    with pytest.raises(InputError, match="their last weights are not those of the model"):
        compute(explained, data, np.random.default_rng(0))


def test_the_nearest_are_those_with_alike_features(network):
    explained, _, x, y = network
    data = given(explained, train=(x[:30], y[:30]), test=(x[:6], y[:6]))
    data.examples.update(labels=y[:6], indices=np.arange(6), targets=y[:6])
    found = compute(explained, data, np.random.default_rng(0), of="nearest", neighbours=2)
    # Each of these examples is a training example itself.
    np.testing.assert_array_equal(found["supporting_indices"][:, 0], np.arange(6))
    np.testing.assert_allclose(found["supporting_values"][:, 0], 0, atol=1e-6)
    assert (found["supporting_values"][:, 1] > 0).all()
    assert "opposing" not in found


def test_flipped_labels_have_the_largest_influence_on_themselves(keras):
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    x, rng = (pixels.reshape(-1, 8, 8, 1) / 16).astype(np.float32)[:1000], np.random.default_rng(0)
    y, flipped = labels[:1000].copy(), rng.permutation(1000)[:100]
    y[flipped] = (y[flipped] + rng.integers(1, 10, 100)) % 10
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss)
    explained, kept = ExplainedModel(model), []
    for epoch in (5, 10, 15):
        model.fit(x, y, batch_size=100, epochs=5, verbose=0)
        kept.append(Checkpoint(epoch, 0.05, explained.weights))
    data = given(explained, train=(x, y), test=(x[:10], y[:10]))
    data.examples.update(labels=y[:6], indices=np.arange(6), targets=y[:6])
    for checkpoints in ([], kept):
        data.__dict__["checkpoints"] = checkpoints
        found = compute(explained, data, np.random.default_rng(0), suspects=100)
        precision = np.isin(found["suspect_indices"], flipped).mean()
        assert precision > 0.8  # by chance 0.1


@pytest.mark.parametrize("task", ["single_label", "multi_label", "regression"])
def test_the_slope_of_the_loss_is_its_derivative(task):
    import tensorflow as tf

    rng = np.random.default_rng(1)
    logits = rng.normal(size=(5, 3)).astype(np.float32)
    answers = {
        "single_label": np.array([0, 2, 1, 1, 0]),
        "multi_label": rng.integers(0, 2, (5, 3)),
        "regression": rng.normal(size=(5, 3)).astype(np.float32),
    }[task]
    with tf.GradientTape() as tape:
        scores = tf.Variable(logits)
        if task == "single_label":
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(answers, scores)
        elif task == "multi_label":
            loss = tf.nn.sigmoid_cross_entropy_with_logits(answers.astype(np.float32), scores)
        else:
            loss = (scores - answers) ** 2 / 2
        total = tf.reduce_sum(loss)
    np.testing.assert_allclose(loss_slope(task, logits, answers), tape.gradient(total, scores), atol=1e-6)


def test_the_slope_of_a_contrast_has_both_classes():
    np.testing.assert_array_equal(score_slope(np.array([2, contrast(0, 2)]), 3), [[0, 0, 1], [1, 0, -1]])


def test_scores_that_no_dense_layer_makes_are_refused(keras, rng):
    layers = keras.layers
    inputs = keras.Input((12, 2))
    maps = layers.Conv1D(3, 3)(inputs)
    model = ExplainedModel(keras.Model(inputs, layers.GlobalAveragePooling1D()(maps)))
    with pytest.raises(InputError, match="not made by a dense layer|no layer before its scores"):
        LastDense.of(model, rng.random((4, 12, 2), np.float32))
    squared = layers.Dense(3)(layers.Flatten()(inputs))
    twice = ExplainedModel(keras.Model(inputs, squared * squared))
    with pytest.raises(InputError, match="not computed by a dense layer"):
        LastDense.of(twice, rng.random((4, 12, 2), np.float32))


def test_no_example_supports_a_class_that_the_training_examples_lack(network):
    """Behind a ReLU all features agree: each example of another class lowers the score of the one that is missing."""
    explained, _, x, y = network
    known = np.flatnonzero(y[:30] != 2)
    data = given(explained, train=(x[known], y[known]), test=(x[30:], y[30:]))
    data.examples.update(labels=y[30:36], indices=np.arange(6), targets=np.full(6, 2))
    found = compute(explained, data, np.random.default_rng(0), neighbours=3, suspects=2)
    assert (found["supporting_values"] < 0).all()
    table = pd.read_csv(StringIO(found["csv"]))
    assert table["kind"].value_counts().to_dict() == {"opposing": 18, "suspect": 2}


def test_padding_of_shown_examples_is_nan(network):
    explained, _, x, y = network
    data = given(explained, train=(x[:30], y[:30]), test=(x[30:], y[30:]))
    measured = np.ones(x.shape, bool)
    measured[:, 10:] = False
    data.examples.update(labels=y[30:36], indices=np.arange(6), targets=y[30:36], measured=measured[30:36])
    data.__dict__["training_measured"] = measured[:30]
    found = compute(explained, data, np.random.default_rng(0), neighbours=3, suspects=2)
    for name in ("inputs", "supporting", "opposing", "suspects"):
        assert np.isnan(found[name][..., 10:, :]).all()
        assert np.isfinite(found[name][..., :10, :]).all()
    np.testing.assert_array_equal(found["suspects"][:, :10], x[found["suspect_indices"], :10])
