"""FullGrad: complete on every kind of layer, and each bias where it is added."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.explain import full_grad
from pellucid.network.explained_model import ExplainedModel


def random_weights(model, rng):
    for layer in model.layers:
        values = [rng.normal(size=weight.shape) for weight in layer.weights]
        layer.set_weights(
            [np.abs(one) + 0.5 if "variance" in w.path else one for one, w in zip(values, layer.weights, strict=True)]
        )
    return model


def hidden(layers, kind, x):
    conv = layers.Conv1D(3, 3, padding="same")(x)
    return {
        "norm": lambda: layers.ReLU()(layers.BatchNormalization()(conv)),
        "swish": lambda: layers.Activation("swish")(conv),
        "tanh": lambda: layers.Activation("tanh")(conv),
        "elu": lambda: layers.ELU()(layers.AveragePooling1D(2)(conv)),
        "residual": lambda: layers.Add()([layers.ReLU()(conv), layers.Conv1D(3, 1)(x)]),
        "branches": lambda: layers.Concatenate()([layers.ReLU()(conv), layers.Conv1D(2, 5, padding="same")(x)]),
        "gated": lambda: layers.Multiply()(
            [conv, layers.Reshape((1, 3))(layers.Dense(3, "sigmoid")(layers.Flatten()(x)))]
        ),
        "channels first": lambda: layers.Conv1D(4, 3, data_format="channels_first")(layers.Permute((2, 1))(x)),
    }[kind]()


@pytest.mark.parametrize("kind", ["norm", "swish", "tanh", "elu", "residual", "branches", "gated", "channels first"])
def test_sums_to_the_logit(keras, rng, kind):
    layers = keras.layers
    series = keras.Input((12, 2))
    pooled = layers.Flatten()(layers.MaxPooling1D(2)(hidden(layers, kind, series)))
    model = random_weights(keras.Model(series, layers.Dense(3, activation="softmax")(pooled)), rng)
    explained, inputs = ExplainedModel(model), rng.normal(size=(6, 12, 2)).astype(np.float32)
    targets = np.arange(6) % 3
    found, scores = full_grad.explain(explained, inputs, targets, rng), explained.score(inputs, targets)
    np.testing.assert_allclose(found.sum((1, 2)), scores, atol=2e-5 * np.abs(found).sum((1, 2)).max())
    # The biases of convolutions and norms have a place; that of the last dense layer has none.
    _, parts, rest = explained.full_gradient(inputs, targets)
    assert parts
    if kind != "gated":
        np.testing.assert_allclose(rest, model.layers[-1].bias.numpy()[targets], atol=1e-4)


def test_a_bias_counts_where_it_is_added(keras, rng):
    """Positions whose ReLU is closed get nothing; open ones get the bias times the dense weight."""
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((8, 1)),
            layers.Conv1D(1, 1, activation="relu"),
            layers.Flatten(),
            layers.Dense(2, use_bias=False),
        ]
    )
    head = rng.normal(size=(8, 2))
    model.set_weights([np.ones((1, 1, 1)), np.array([0.5]), head])
    inputs = rng.normal(size=(3, 8, 1)).astype(np.float32)
    found = full_grad.explain(ExplainedModel(model), inputs, np.array([0, 1, 1]), rng)
    expected = np.maximum(inputs[..., 0] + 0.5, 0) * head[:, [0, 1, 1]].T
    np.testing.assert_allclose(found[..., 0], expected, atol=1e-6)


def test_an_operation_with_an_unknown_bias_is_refused_by_name(keras, rng):
    layers = keras.layers
    model = keras.Sequential([layers.Input((8, 2)), layers.LSTM(3, name="memory"), layers.Dense(2)])
    with pytest.raises(InputError, match="layer memory .LSTM.*bias is not known.*integrated_gradients"):
        full_grad.explain(ExplainedModel(model), np.ones((2, 8, 2), np.float32), np.array([0, 1]), rng)
