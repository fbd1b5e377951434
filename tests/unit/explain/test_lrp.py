"""LRP: conservation, gradient × input, rules by hand, folded batch normalisation, and what is refused."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.explain import lrp
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.lrp_rules import Rules

TINY = 1e-12


@pytest.fixture(scope="module")
def joined(keras):
    """A network of ReLUs without biases, with a shortcut, branches, gaps in a convolution, and every pooling."""
    layers = keras.layers
    keras.utils.set_random_seed(0)
    conv = {"activation": "relu", "use_bias": False}
    image = keras.Input((16, 16, 2))
    hidden = layers.Conv2D(4, 3, **conv)(image)
    hidden = layers.MaxPooling2D(2)(layers.Add()([hidden, layers.Conv2D(4, 3, padding="same", **conv)(hidden)]))
    wide = layers.Conv2D(3, 3, dilation_rate=2, **conv)(hidden)
    narrow = layers.SeparableConv2D(2, 3, **conv)(layers.Cropping2D(1)(hidden))
    hidden = layers.Flatten()(layers.AveragePooling2D(2)(layers.Concatenate()([wide, narrow])))
    hidden = layers.Dense(6, **conv)(hidden)
    model = keras.Model(image, layers.Dense(3, activation="softmax", use_bias=False)(hidden))
    inputs = np.random.default_rng(0).random((5, 16, 16, 2), np.float32)
    return ExplainedModel(model), inputs, np.arange(5) % 3


@pytest.fixture(scope="module")
def chain(keras):
    """A chain of convolutions and dense layers without biases: its relevance has one place at each depth."""
    layers = keras.layers
    keras.utils.set_random_seed(1)
    conv = {"activation": "relu", "use_bias": False}
    model = keras.Sequential(
        [
            layers.Input((20, 2)),
            layers.Conv1D(5, 3, **conv),
            layers.MaxPooling1D(2),
            layers.Conv1D(4, 3, padding="same", **conv),
            layers.Flatten(),
            layers.Dense(6, **conv),
            layers.Dense(3, use_bias=False),
        ]
    )
    return ExplainedModel(model), np.random.default_rng(2).random((4, 20, 2), np.float32), np.array([0, 1, 2, 0])


def test_epsilon_without_biases_is_gradient_times_input(joined):
    model, inputs, targets = joined
    found, _ = model.relevance(inputs, targets, Rules("epsilon", "epsilon", "epsilon", TINY))
    expected = model.gradient(inputs, targets) * inputs
    np.testing.assert_allclose(found, expected, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("first", "convolution", "dense"),
    [
        ("epsilon", "epsilon", "epsilon"),
        ("gamma", "gamma", "gamma"),
        ("alpha_beta", "alpha_beta", "epsilon"),
        ("flat", "w2", "epsilon"),
        ("w2", "flat", "gamma"),
        ("z_box", "gamma", "epsilon"),
    ],
)
def test_every_layer_keeps_the_logit(chain, joined, first, convolution, dense):
    # With alpha 2, an output without a negative part would get its relevance twice.
    rules = Rules(first, convolution, dense, TINY, alpha=1)
    model, inputs, targets = chain
    found, sums = model.relevance(inputs, targets, rules)
    scores = model.score(inputs, targets)
    np.testing.assert_allclose(sums, np.repeat(scores[:, np.newaxis], 4, 1), rtol=1e-5)
    np.testing.assert_allclose(found.sum((1, 2)), scores, rtol=1e-5)
    if convolution not in ("epsilon", "gamma"):
        return  # the others give relevance to values of 0, of which a sum or a mean passes nothing on
    model, inputs, targets = joined
    scores = model.score(inputs, targets)
    np.testing.assert_allclose(model.relevance(inputs, targets, rules)[0].sum((1, 2, 3)), scores, rtol=2e-5)


def two_layers(keras, hidden, head, bias=None):
    """A dense layer with a ReLU and a dense layer of two logits, on a series of two values."""
    layers = keras.layers
    model = keras.Sequential([layers.Input((2, 1)), layers.Flatten(), layers.Dense(2, "relu"), layers.Dense(2)])
    model.set_weights([np.array(hidden), np.array([0.0, 0.0] if bias is None else bias), np.array(head), np.zeros(2)])
    return ExplainedModel(model)


@pytest.mark.parametrize(
    ("rule", "options", "expected"),
    [
        # x = (1, 2); hidden: 3 = 1·1 + 2·1 and 3 = -1 + 4; logit of the first class: 2·3 - 1·3 = 3.
        # Relevance of the hidden units by epsilon: 6 and -3.
        ("epsilon", {}, [6 * 1 / 3 - 3 * -1 / 3, 6 * 2 / 3 - 3 * 4 / 3]),
        # Gamma 1 in both layers: 12 / (12 - 3) · 3 = 4 and -3 / 9 · 3 = -1; then 2/6, 4/6 and -1/7, 8/7.
        ("gamma", {"gamma": 1.0}, [4 * 2 / 6 - 1 * -1 / 7, 4 * 4 / 6 - 1 * 8 / 7]),
        # Alpha 2, beta 1: 2 · 6/6 · 3 = 6 and -1 · 3 = -3; then 2 · (1/3, 2/3) of 6, and of -3: -1 · 1 · -3 and 2 · -3.
        ("alpha_beta", {"alpha": 2.0}, [6 * 2 / 3 + 3, 6 * 4 / 3 - 6]),
        # Every input the same share: 1.5 and 1.5 of 3, and all again.
        ("flat", {}, [1.5, 1.5]),
        # Squares of the weights: 4/5 and 1/5 of 3; then 1/2, 1/2 and 1/5, 4/5.
        ("w2", {}, [3 * (4 / 5 / 2 + 1 / 5 / 5), 3 * (4 / 5 / 2 + 1 / 5 * 4 / 5)]),
    ],
)
def test_rules_by_hand(keras, rule, options, expected):
    model = two_layers(keras, [[1.0, -1.0], [1.0, 2.0]], [[2.0, 0.0], [-1.0, 1.0]])
    inputs, rules = np.array([[[1.0], [2.0]]], np.float32), Rules(rule, rule, rule, TINY, **options)
    found, _ = model.relevance(inputs, np.array([0]), rules)
    np.testing.assert_allclose(found[0, :, 0], expected, rtol=1e-5)


def test_signs_of_inputs_and_biases_by_hand(keras):
    """x = (1, -2), weights (1, -1) and (2, 1), bias 1 and -1: z = 1 - 4 ... parts go with their sign."""
    model = two_layers(keras, [[1.0, 2.0], [-1.0, 0.5]], [[1.0, 0.0], [1.0, 1.0]], bias=[1.0, -0.5])
    inputs = np.array([[[1.0], [-2.0]]], np.float32)
    # z = (1 + 2 + 1, 2 - 1 - 0.5) = (4, 0.5), both logits' parts are 4 and 0.5.
    found, _ = model.relevance(inputs, np.array([0]), Rules("alpha_beta", "epsilon", "epsilon", TINY, alpha=2.0))
    # First unit: all parts are positive; second: 2 is positive, -1 and the bias -0.5 negative.
    expected = [2 * 4 * 1 / 4 + 2 * 0.5 * 2 / 2, 2 * 4 * 2 / 4 - 0.5 * -1 / -1.5]
    np.testing.assert_allclose(found[0, :, 0], expected, rtol=1e-5)
    found, _ = model.relevance(inputs, np.array([0]), Rules("gamma", "epsilon", "epsilon", TINY, gamma=1.0))
    # Agreeing parts count twice: of the second unit 4 - 1 - 0.5 = 2.5.
    np.testing.assert_allclose(found[0, :, 0], [4 * 1 / 4 + 0.5 * 4 / 2.5, 4 * 2 / 4 + 0.5 * -1 / 2.5], rtol=1e-5)
    box = Rules("z_box", "epsilon", "epsilon", TINY, low=-2, high=1)
    found, _ = model.relevance(inputs, np.array([0]), box)
    # z - low w+ - high w-: unit 1: (1 + 2, 2 + 1), unit 2: (2 + 4, -1 + 1).
    np.testing.assert_allclose(found[0, :, 0], [4 * 3 / 6 + 0.5 * 6 / 6, 4 * 3 / 6], rtol=1e-5)


@pytest.mark.parametrize("composite", sorted(lrp._COMPOSITES))
def test_batch_normalisation_is_folded(keras, rng, composite):
    """The same function with the normalisation multiplied into the weights, of which some change their sign."""
    layers = keras.layers
    series = keras.Input((12, 2))
    hidden = layers.BatchNormalization(epsilon=0.0, name="norm")(layers.Conv1D(4, 3, name="conv")(series))
    pooled = layers.GlobalAveragePooling1D()(layers.ReLU()(hidden))
    normalised = keras.Model(series, layers.Dense(3, name="head")(pooled))
    kernel, bias = rng.normal(size=(3, 2, 4)), rng.normal(size=4)
    scale, shift, mean, deviation = np.array([1.0, -2.0, 0.5, -1.0]), rng.normal(size=4), rng.normal(size=4), 0.5
    normalised.get_layer("conv").set_weights([kernel, bias])
    normalised.get_layer("norm").set_weights([scale, shift, mean, np.full(4, deviation**2)])
    folded = keras.Sequential(
        [
            layers.Input((12, 2)),
            layers.Conv1D(4, 3, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(3),
        ]
    )
    factor = scale / deviation
    folded.set_weights([kernel * factor, (bias - mean) * factor + shift, *normalised.get_layer("head").get_weights()])
    inputs, targets = rng.random((4, 12, 2), np.float32), np.array([0, 1, 2, 0])
    one, other = (
        lrp.explain(ExplainedModel(model), inputs, targets, rng, composite=composite) for model in (normalised, folded)
    )
    np.testing.assert_allclose(one, other, atol=1e-4 * np.abs(other).max())


def test_an_activation_of_several_operations_passes_its_relevance_on(keras, rng):
    layers = keras.layers
    values = {}
    for name in ("swish", "gelu", "tanh", "linear"):
        keras.utils.set_random_seed(3)
        model = keras.Sequential(
            [layers.Input((6, 2)), layers.Conv1D(3, 3), layers.Activation(name), layers.Flatten(), layers.Dense(2)]
        )
        inputs = np.random.default_rng(0).random((3, 6, 2), np.float32)
        explained = ExplainedModel(model)
        values[name], _ = explained.relevance(inputs, np.array([0, 1, 1]), Rules("flat", "flat", "epsilon", TINY))
        np.testing.assert_allclose(values[name].sum((1, 2)), explained.score(inputs, np.array([0, 1, 1])), rtol=1e-4)
    assert np.abs(values["swish"] - values["linear"]).max() > 1e-3


def test_a_box_is_scaled_with_the_input(keras):
    """A layer that turns the input around before the first weights: the box is turned, too."""
    layers = keras.layers
    head = np.random.default_rng(1).normal(size=(4, 2))
    found = []
    for first in ([], [layers.Rescaling(-2.0, offset=1.0)]):
        model = keras.Sequential([layers.Input((4, 1)), *first, layers.Flatten(), layers.Dense(2, use_bias=False)])
        model.set_weights([head])
        x = np.array([[[0.1], [0.4], [0.8], [1.0]]], np.float32)
        low, high = (-1.0, 1.0) if not first else (0.0, 1.0)
        rules = Rules("z_box", "epsilon", "epsilon", TINY, low=low, high=high)
        found.append(ExplainedModel(model).relevance(x if first else 1 - 2 * x, np.array([0]), rules)[0])
    np.testing.assert_allclose(*found, rtol=1e-4)


def test_an_operation_without_a_rule_is_refused_by_name(keras, rng):
    layers = keras.layers
    series = keras.Input((8, 2))
    hidden = layers.Conv1D(3, 3, padding="same")(series)
    hidden = layers.Flatten()(layers.Multiply(name="gate")([hidden, layers.Conv1D(3, 1)(series)]))
    model = ExplainedModel(keras.Model(series, layers.Dense(2)(hidden)))
    with pytest.raises(InputError, match="layer gate.*Mul on several values.*no rule.*integrated_gradients"):
        lrp.explain(model, np.ones((2, 8, 2), np.float32), np.array([0, 1]), rng)


def test_inputs_outside_of_the_box_are_refused(chain, rng):
    model, inputs, targets = chain
    with pytest.raises(InputError, match=r"inputs from .* z_box for 0 to 0.5"):
        lrp.explain(model, inputs, targets, rng, composite="epsilon_gamma_box", high=0.5)
    with pytest.raises(InputError, match=r"lrp\.low"):
        lrp.check(composite="epsilon", first="z_box", convolution="composite", dense="composite", low=1.0, high=1.0)


def test_a_written_rule_replaces_that_of_the_composite(chain, rng):
    model, inputs, targets = chain
    plus = lrp.explain(model, inputs, targets, rng)
    flat = lrp.explain(model, inputs, targets, rng, first="flat")
    np.testing.assert_array_equal(flat, lrp.explain(model, inputs, targets, rng, composite="epsilon_plus_flat"))
    assert not np.allclose(plus, flat)
    np.testing.assert_array_equal(
        plus, lrp.explain(model, inputs, targets, rng, composite="epsilon_alpha2_beta1", alpha=1)
    )
