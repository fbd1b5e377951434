"""What is planned from a model's description runs on the loaded model, and what is left out would not have run."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pellucid.api import features
from pellucid.errors import InputError
from pellucid.explain import deep_shap, lrp
from pellucid.features import with_implied
from pellucid.models.imported import archive
from pellucid.network.explained_model import ExplainedModel

SETTINGS = settings(
    derandomize=True, deadline=None, max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SHAPE = (8, 4)


def parts(keras):
    """Pieces of a network over a series of 8 × 4, by name."""
    ops, layers = keras.ops, keras.layers

    def gated(x):
        return layers.Multiply()([x, layers.Dense(4, activation="sigmoid")(x)])

    def twice(x):
        encoder = keras.Sequential([layers.Input((8, 4)), layers.Conv1D(4, 3, padding="same", activation="relu")])
        return layers.Subtract()([encoder(x), encoder(layers.Rescaling(-1.0)(x))])

    return {
        "relu": lambda x: layers.Dense(4, activation="relu")(x),
        "relu layer": lambda x: layers.ReLU()(x),
        "bounded relu": lambda x: layers.ReLU(1.0)(x),
        "relu operation": ops.relu,
        "maximum": lambda x: ops.maximum(x, 0),
        "relu aside": lambda x: x + ops.stop_gradient(ops.relu(x)),
        "where": lambda x: ops.where(x > 0, x, 0.0),
        "leaky": lambda x: layers.LeakyReLU()(x),
        "leaky operation": lambda x: ops.maximum(x, 0.2 * x),
        "parametric": lambda x: layers.PReLU("random_normal")(x),
        "threshold": lambda x: layers.ReLU(threshold=0.1)(x),
        "hard swish": lambda x: layers.Activation("hard_silu")(x),
        "celu": lambda x: layers.Dense(4, activation="celu")(x),
        "gelu operation": ops.gelu,
        "half less a third": lambda x: (x - 0.3) / 2 + x,
        "square": ops.square,
        "sigmoid inside": lambda x: layers.Dense(4, activation="sigmoid")(x),
        "softmax inside": lambda x: layers.Dense(4, activation="softmax")(x),
        "softmax layer inside": lambda x: layers.Softmax()(x),
        "softmax operation": ops.softmax,
        "LayerNormalization": lambda x: layers.LayerNormalization()(x),
        "BatchNormalization": lambda x: layers.BatchNormalization()(x),
        "a window": lambda x: layers.Rescaling(np.hanning(8)[:, None])(x),
        "groups": lambda x: layers.Conv1D(4, 3, padding="same", groups=2)(x),
        "separable": lambda x: layers.SeparableConv1D(4, 3, padding="same", activation="relu", dilation_rate=2)(x),
        "gated": gated,
        "gated by itself": lambda x: x * ops.sigmoid(x),
        "chosen between two": lambda x: ops.where(x > 0, x, layers.Dense(4)(x)),
        "sum of two": lambda x: ops.relu(x) - layers.Dense(4)(x),
        "used twice": twice,
        "greatest": lambda x: layers.Maximum()([x, layers.Dense(4)(x)]),
        "recurrent": lambda x: layers.SimpleRNN(4, activation="relu", return_sequences=True)(x),
        "squeezed and excited": lambda x: layers.Multiply()(
            [x, layers.Reshape((1, 4))(layers.Dense(4, activation="sigmoid")(layers.GlobalAveragePooling1D()(x)))]
        ),
        "gated by another": lambda x: x * layers.Dense(4, activation="sigmoid")(x),
        "two gates": lambda x: layers.Multiply()([layers.Dense(4, activation="sigmoid")(x) for _ in range(2)]),
        "long memory": lambda x: layers.LSTM(4, return_sequences=True)(x),
        "relu memory": lambda x: layers.GRU(4, activation="relu", return_sequences=True)(x),
        "sigmoid memory": lambda x: layers.LSTM(4, activation="sigmoid", return_sequences=True)(x),
        "hard gates": lambda x: layers.LSTM(4, recurrent_activation="hard_sigmoid", return_sequences=True)(x),
        "both directions": lambda x: layers.Bidirectional(layers.GRU(2, return_sequences=True))(x),
        "attention": lambda x: layers.MultiHeadAttention(2, 3)(x, x),
        "masked attention": lambda x: layers.MultiHeadAttention(2, 3)(x, x, attention_mask=layers.Dense(x.shape[1])(x)),
        "pooled and spread": lambda x: layers.UpSampling1D(2)(layers.MaxPooling1D(2)(x)),
        "every step": lambda x: layers.TimeDistributed(layers.Dense(4, activation="relu"))(x),
        "residual": lambda x: layers.Add()([x, layers.Conv1D(4, 3, padding="same", activation="elu")(x)]),
    }


NAMES = (
    *("relu", "relu layer", "bounded relu", "relu operation", "maximum", "where", "leaky", "leaky operation"),
    *("parametric", "threshold", "hard swish", "celu", "gelu operation", "half less a third", "square"),
    *("sigmoid inside", "softmax inside", "softmax layer inside", "softmax operation", "LayerNormalization"),
    *(
        "BatchNormalization",
        "a window",
        "groups",
        "separable",
        "gated",
        "gated by itself",
        "chosen between two",
        "sum of two",
        "used twice",
        "greatest",
        "recurrent",
    ),
    *("squeezed and excited", "gated by another", "two gates"),
    *("long memory", "relu memory", "sigmoid memory", "hard gates", "both directions", "attention"),
    "masked attention",
    *("relu aside", "pooled and spread", "every step", "residual"),
)


def model_of(keras, names, end="softmax", seed=0):
    keras.utils.set_random_seed(seed)
    x = start = keras.Input(SHAPE)
    for name in names:
        x = parts(keras)[name](x)
    x = keras.layers.Flatten()(x)
    return keras.Model(start, keras.layers.Dense(3, activation=end)(x))


def check(model, seed=0):
    """Hold the plan against what runs."""
    planned = archive.features(json.loads(model.to_json()), "model")
    values = np.random.default_rng(seed)
    inputs, rows = (values.normal(size=(3, *SHAPE)).astype(np.float32) for _ in range(2))
    targets, explained_model = np.arange(3), ExplainedModel(model)
    assert ("rescale_rule" in planned) == all(operation.fits for operation in explained_model.operations)
    if "rescale_rule" in planned:  # which refuses values that do not sum to the change of the logit
        deep_shap.explain(explained_model, inputs, targets, values, training=rows)
    if "relevance_rule" in with_implied(planned):
        found = lrp.explain(explained_model, inputs, targets, values)
        assert np.isfinite(found).all()
    try:
        explained_model.gradient(inputs, targets, "guided")
        runs = True
    except InputError:
        runs = False
    assert ("relu" in planned) == runs


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.slow
def test_each_part_alone(keras, name):
    check(model_of(keras, [name]))


@SETTINGS
@given(
    names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=3),
    end=st.sampled_from(["softmax", "linear"]),
    seed=st.integers(0, 99),
)
def test_parts_at_random(keras, names, end, seed):
    check(model_of(keras, names, end, seed), seed)


OFFERED = (
    "squeezed and excited",
    "gated by another",
    "long memory",
    "both directions",
    "attention",
    "LayerNormalization",
)
REFUSED = ("two gates", "sigmoid memory", "hard gates", "greatest", "masked attention")


@pytest.mark.parametrize("name", OFFERED + REFUSED)
def test_lrp_is_offered_where_it_has_rules(keras, name):
    model = model_of(keras, [name])
    assert ("relevance_rule" in with_implied(archive.features(json.loads(model.to_json()), "model"))) == (
        name in OFFERED
    )


def test_a_relu_on_the_way_to_a_held_input_alone_is_not_planned_with(keras):
    """Guided methods were offered for the explained input, and refused when they ran."""
    layers = keras.layers
    first, second = keras.Input((8,), name="first"), keras.Input((8,), name="second")
    joined = layers.Concatenate()(
        [layers.Dense(3, activation="tanh")(first), layers.Dense(3, activation="relu")(second)]
    )
    model = keras.Model([first, second], layers.Dense(2, activation="softmax")(joined))
    config = json.loads(model.to_json())
    assert "relu" not in archive.features(config, "model", "first")
    assert "relu" in archive.features(config, "model", "second")
    for name, has in (("first", False), ("second", True)):
        held = ExplainedModel(model, explained=name)
        assert ("relu" in features.of_model(config, "model", held)) == has
