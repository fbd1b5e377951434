"""Attention rollout and attention × gradient against NumPy, finite differences, and networks whose answer is known."""

import json

import numpy as np
import pytest

import pellucid
from pellucid.errors import InputError
from pellucid.explain import attention_gradient, attention_rollout
from pellucid.models import transformer
from pellucid.models.imported import archive
from pellucid.network import token_graph
from pellucid.network.explained_model import ExplainedModel

SHAPE, PATCH, STEPS = (24, 2), 3, 8
CENTRES = np.arange(STEPS) * PATCH + 1  # the middle sample of each patch, where its own value lies


@pytest.fixture(scope="module")
def model(keras):
    keras.utils.set_random_seed(3)
    built = transformer.build(SHAPE, 3, patch=PATCH, width=8, heads=2, depth=2, hidden=12)
    # Biases that are not 0, and attention that differs between tokens.
    weights = np.random.default_rng(1)
    built.set_weights([weight + 0.4 * weights.normal(size=weight.shape) for weight in built.get_weights()])
    return built


@pytest.fixture(scope="module")
def explained(model):
    return ExplainedModel(model)


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(2).normal(size=(3, *SHAPE)).astype(np.float32)


TARGETS = np.array([0, 2, 1])


def weights_by_hand(layer, tokens):
    """Softmax of queries and keys, from the kernels of the layer: (N, heads, tokens, tokens)."""
    (query, query_bias, key, key_bias), tokens = layer.get_weights()[:4], tokens.astype(np.float64)
    queries = np.einsum("ntd,dhk->nhtk", tokens, query) + query_bias[:, np.newaxis]
    keys = np.einsum("ntd,dhk->nhtk", tokens, key) + key_bias[:, np.newaxis]
    scores = np.exp(queries @ keys.swapaxes(2, 3) / np.sqrt(query.shape[-1]))
    return scores / scores.sum(-1, keepdims=True)


def test_weights_are_those_of_the_layers_kernels_and_its_own_answer(model, explained, x):
    found = explained.attention(x)
    assert len(found) == 2
    for number, weights in enumerate(found, start=1):
        tokens = explained.activations(x, f"norm_{number}_1")
        np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)
        layer = model.get_layer(f"attention_{number}")
        np.testing.assert_allclose(weights, weights_by_hand(layer, tokens), rtol=1e-4, atol=1e-6)
        answer = layer(tokens, tokens, return_attention_scores=True)[1]
        np.testing.assert_allclose(weights, answer, rtol=1e-5, atol=1e-7)
    # The weights are asked for while the model is traced, and its function stays the same.
    np.testing.assert_allclose(explained.probabilities(x), model(x, training=False), rtol=1e-4)


def test_rollout_of_two_blocks_is_equation_1(model, explained, x):
    whole = np.eye(STEPS)
    for number in (1, 2):
        tokens = explained.activations(x, f"norm_{number}_1")
        weights = weights_by_hand(model.get_layer(f"attention_{number}"), tokens).mean(1)
        whole = (0.5 * weights + 0.5 * np.eye(STEPS)) @ whole
    maps = attention_rollout.explain(explained, x, TARGETS, np.random.default_rng(0))
    assert maps.shape == x.shape
    np.testing.assert_allclose(maps[:, CENTRES, 0], whole.mean(1), rtol=1e-4)
    np.testing.assert_array_equal(maps[..., 0], maps[..., 1])
    np.testing.assert_allclose(whole.mean(1).sum(1), 1, rtol=1e-6)
    # Linear between the middles of the patches.
    np.testing.assert_allclose(maps[:, 2, 0], (2 * maps[:, 1, 0] + maps[:, 4, 0]) / 3, rtol=1e-5)


def test_gradients_are_finite_differences_of_the_score(model, explained, x):
    """Of the second block: what follows its weights is computed here in 64 bits."""
    weights, gradients = explained.attention_and_gradient(x, TARGETS)
    layer, layers = model.get_layer("attention_2"), model.get_layer
    tokens, before = explained.activations(x, "norm_2_1"), explained.activations(x, "add_1_2")
    values = np.einsum("ntd,dhk->nhtk", tokens, layer.get_weights()[4]) + layer.get_weights()[5][:, np.newaxis]
    out, bias = layer.get_weights()[6:8]

    def score(attention):
        mixed = np.einsum("nhtk,hkd->ntd", attention.astype(np.float64) @ values, out) + bias
        added = before + mixed
        hidden = np.maximum(dense("dense_2_1", normalised("norm_2_2", added)), 0)
        tokens = normalised("norm", added + dense("dense_2_2", hidden))
        return dense("classes", tokens.mean(1))[np.arange(3), TARGETS]

    def normalised(name, tokens):
        scale, shift = layers(name).get_weights()
        return (tokens - tokens.mean(-1, keepdims=True)) / np.sqrt(tokens.var(-1, keepdims=True) + 1e-6) * scale + shift

    def dense(name, tokens):
        kernel, shift = layers(name).get_weights()
        return tokens @ kernel.astype(np.float64) + shift

    np.testing.assert_allclose(score(weights[1]), explained.score(x, TARGETS), rtol=1e-4, atol=1e-5)
    for head, row, column in ((0, 0, 5), (1, 7, 2), (0, 3, 3), (1, 4, 6)):
        step = np.zeros((1, *weights[1].shape[1:]))
        step[0, head, row, column] = 1e-5
        slope = (score(weights[1] + step) - score(weights[1] - step)) / 2e-5
        np.testing.assert_allclose(gradients[1][:, head, row, column], slope, rtol=1e-3, atol=1e-5)


def test_attention_gradient_is_equations_5_and_6(explained, x):
    whole = np.tile(np.eye(STEPS), (3, 1, 1))
    for weights, gradients in zip(*explained.attention_and_gradient(x, TARGETS), strict=True):
        whole = whole + np.maximum(weights * gradients, 0).mean(1) @ whole
    expected = (whole - np.eye(STEPS)).mean(1)
    maps = attention_gradient.explain(explained, x, TARGETS, np.random.default_rng(0))
    np.testing.assert_allclose(maps[:, CENTRES, 0], expected, rtol=1e-4, atol=1e-7)
    other = attention_gradient.explain(explained, x, (TARGETS + 1) % 3, np.random.default_rng(0))
    assert not np.allclose(maps, other)


def planted(keras, read):
    """A network that attends to the patch of 4 samples with the largest sum, which alone makes class 1."""
    layers = keras.layers
    series = keras.Input((40, 1))
    tokens = layers.Conv1D(2, 4, strides=4, name="patches")(series)  # the sum, and 1
    attention = layers.MultiHeadAttention(1, 1, name="attention")
    mixed = layers.Add(name="add")([tokens, attention(tokens, tokens)])
    model = keras.Model(series, layers.Dense(2, name="classes")(read(mixed)))
    model.get_layer("patches").set_weights([np.stack([np.ones((4, 1)), np.zeros((4, 1))], -1), np.array([0.0, 1])])
    query, key, value = np.array([[0.0], [3.0]]), np.array([[1.0], [0.0]]), np.array([[1.0], [0.0]])
    kernels = [kernel[:, np.newaxis] for kernel in (query, key, value)]
    zero = np.zeros((1, 1))
    attention.set_weights(
        [part for kernel in kernels for part in (kernel, zero)] + [np.array([[[1.0, 0]]]), np.zeros(2)]
    )
    model.get_layer("classes").set_weights([np.array([[-1.0, 1.0], [0, 0]]), np.zeros(2)])
    return ExplainedModel(model)


@pytest.mark.parametrize("token", [None, 7], ids=["mean", "one token"])
def test_the_one_token_that_carries_the_class_is_found(keras, token):
    pooling = keras.layers.GlobalAveragePooling1D()
    explained_model = planted(keras, pooling if token is None else lambda tokens: tokens[:, token])
    assert explained_model.token_graph.token == token
    x = np.zeros((2, 40, 1), np.float32)
    x[0, 12:16], x[1, 32:36] = 1, 1
    for method in (attention_rollout, attention_gradient):
        maps = method.explain(explained_model, x, np.array([1, 1]), np.random.default_rng(0))[..., 0]
        others = {None: 1, 7: 2}[token]  # the token that is read keeps half of the rollout for itself
        for values, start in zip(maps, (12, 32), strict=True):
            patches = values[[4 * patch + 1 for patch in range(10)]] + values[[4 * patch + 2 for patch in range(10)]]
            assert start // 4 in np.argsort(patches)[-others:]
            assert patches[start // 4] > 5 * np.median(patches)
    # Attention to the bump lowers the score of class 0: nothing of it is positive there.
    against = attention_gradient.explain(explained_model, x, np.array([0, 0]), np.random.default_rng(0))
    for values, start in zip(against[..., 0], (12, 32), strict=True):
        assert np.abs(values[start + 1 : start + 3]).max() < 1e-6


def of(keras, make, shape=(24, 2)):
    """A model whose hidden layers `make` returns, with an attention layer "attention" in reach."""
    layers = keras.layers
    series = keras.Input(shape)
    hidden = make(layers, series, layers.MultiHeadAttention(2, 4, name="attention"))
    return keras.Model(series, layers.Dense(3, activation="softmax")(hidden))


def mixed(layers, tokens, attention):
    return layers.Add()([tokens, attention(tokens, tokens)])


REFUSED = {
    "Flatten": (
        lambda layers, x, attention: layers.Flatten(name="flat")(mixed(layers, x, attention)),
        r"found tokens that are read by flat \(Flatten\); expected GlobalAveragePooling1D, or one token",
    ),
    "a maximum": (
        lambda layers, x, attention: layers.GlobalMaxPooling1D(name="top")(mixed(layers, x, attention)),
        r"read by top \(GlobalMaxPooling1D\)",
    ),
    "a convolution between": (
        lambda layers, x, attention: layers.GlobalAveragePooling1D()(
            layers.Conv1D(4, 3, padding="same", name="wide")(mixed(layers, x, attention))
        ),
        "found tokens that are read by wide",
    ),
    "pooled between two": (
        lambda layers, x, attention: layers.GlobalAveragePooling1D()(
            mixed(
                layers,
                layers.MaxPooling1D(2, name="halved")(mixed(layers, x, attention)),
                layers.MultiHeadAttention(1, 2),
            )
        ),
        "found .*(halved|multi_head)",
    ),
    "other keys": (
        lambda layers, x, attention: layers.GlobalAveragePooling1D()(attention(x, layers.Dense(2)(x))),
        "found attention, whose queries, keys and values or mask come from several layers",
    ),
    "no order of time": (
        lambda layers, x, attention: layers.GlobalAveragePooling1D()(
            mixed(layers, layers.Reshape((12, 4))(x), attention)
        ),
        "found attention, whose tokens are not in the order of time",
    ),
    "a way around": (
        lambda layers, x, attention: layers.Concatenate()(
            [layers.GlobalAveragePooling1D()(mixed(layers, x, attention)), layers.Flatten()(x)]
        ),
        "found tokens that leave the sequence at",
    ),
    "a gate": (
        lambda layers, x, attention: layers.GlobalAveragePooling1D()(
            layers.Multiply(name="gate")([x, attention(x, x)])
        ),
        r"found gate \(Multiply\), where tokens of several blocks meet",
    ),
    "a mean over the tokens that a mask leaves": (
        lambda layers, x, attention: layers.GlobalAveragePooling1D()(
            mixed(layers, layers.Masking(name="padding")(x), attention)
        ),
        r"a mean over only those tokens that padding \(Masking\) leaves",
    ),
    "constant weights of the tokens": (
        lambda layers, x, attention: layers.GlobalAveragePooling1D()(
            mixed(layers, x, attention) * np.eye(24, dtype=np.float32)[None, 3, :, None]
        ),
        r"\(Multiply\), where each token may have a constant weight of its own",
    ),
    "no attention": (
        lambda layers, x, attention: layers.GlobalAveragePooling1D()(x),
        "found no layer MultiHeadAttention",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_attention_does_not_describe_is_refused(keras, name):
    make, message = REFUSED[name]
    model = of(keras, make)
    assert "self_attention" not in archive.features(json.loads(model.to_json()), name)
    with pytest.raises(InputError, match=message):
        attention_rollout.explain(ExplainedModel(model), np.zeros((1, 24, 2), np.float32), np.array([0]), None)


def test_a_notebook_is_told_why(keras):
    make, message = REFUSED["Flatten"]
    x = np.zeros((1, 24, 2), np.float32)
    with pytest.raises(InputError, match=message):
        pellucid.explain(of(keras, make), x, "attention_rollout")
    with pytest.raises(InputError, match="it needs self-attention over tokens in the order of time"):
        pellucid.explain(lambda batch: batch[:, :2, 0], x, "attention_gradient", class_names=("a", "b"))


def test_images_are_refused(keras):
    layers = keras.layers
    image = keras.Input((8, 8, 2))
    tokens = layers.Reshape((64, 2))(image)
    hidden = layers.GlobalAveragePooling1D()(layers.MultiHeadAttention(1, 2)(tokens, tokens))
    with pytest.raises(InputError, match="found attention over images"):
        token_graph.read(ExplainedModel(keras.Model(image, layers.Dense(2)(hidden))).places)


def test_a_shared_layer_a_nested_model_and_normalisation_behind_are_followed_in_the_file_too(keras, tmp_path, rng):
    """One attention layer, used twice, with normalisation behind it (as Vaswani et al.), inside another model."""
    keras.utils.set_random_seed(4)
    layers = keras.layers
    tokens = keras.Input((12, 4))
    attention, hidden = layers.MultiHeadAttention(2, 3, name="shared"), tokens
    for _ in range(2):
        hidden = layers.LayerNormalization()(layers.Add()([hidden, attention(hidden, hidden)]))
        hidden = layers.BatchNormalization()(hidden)
    encoder = keras.Model(tokens, hidden, name="encoder")
    series = keras.Input((36, 1))
    made = keras.ops.mean(encoder(layers.Conv1D(4, 3, strides=3)(series)), axis=1)
    model = keras.Model(series, layers.Dense(3, activation="softmax")(made))
    model.save(tmp_path / "model.keras")
    assert "self_attention" in archive.features(archive.read(tmp_path / "model.keras"), "model")
    explained_model = ExplainedModel.load(tmp_path / "model.keras")
    assert explained_model.token_graph.layers == ("shared:1", "shared:2")
    x = rng.normal(size=(2, 36, 1)).astype(np.float32)
    first, second = (weights.mean(1) for weights in explained_model.attention(x))
    assert not np.allclose(first, second)
    expected = ((second + np.eye(12)) @ (first + np.eye(12)) / 4).mean(1)
    maps = attention_rollout.explain(explained_model, x, np.zeros(2, int), rng)[..., 0]
    np.testing.assert_allclose(maps[:, 1::3], expected, rtol=1e-5)
