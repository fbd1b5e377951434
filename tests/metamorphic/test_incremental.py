"""Scores that are recomputed around a window are those of full passes, whatever the chain of layers."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pellucid.network import incremental_plan
from pellucid.network.explained_model import ExplainedModel

SETTINGS = settings(
    derandomize=True, deadline=None, max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def alike(keras, shape, values):
    """Layers that treat every position alike, by name; each is made for inputs of `shape`."""
    layers, channels = keras.layers, shape[-1]
    mean, scale = values.normal(size=channels), values.uniform(0.5, 2, channels)
    return {
        "Rescaling": lambda: layers.Rescaling(2.0, offset=-0.5),
        "Rescaling of channels": lambda: layers.Rescaling(scale, offset=mean[None]),
        "Normalization": lambda: layers.Normalization(mean=mean, variance=scale),
        "Normalization by one number": lambda: layers.Normalization(axis=None, mean=0.3, variance=2.0),
        "BatchNormalization": lambda: layers.BatchNormalization(),
        "softmax": lambda: layers.Activation("softmax"),
        "Dropout": lambda: layers.Dropout(0.5),
        "LeakyReLU": lambda: layers.LeakyReLU(0.3),
    }


def apart(keras, shape, values):
    """Layers that do not, by name."""
    layers = keras.layers
    window = np.hanning(shape[0] + 2)[1:-1].reshape(-1, *[1] * (len(shape) - 1))
    axes = tuple(range(1, len(shape) + 1))

    class Rescaling(layers.Layer):
        def call(self, x):
            return x * keras.ops.convert_to_tensor(window, "float32")

    class Activation(layers.Activation):
        def call(self, x):
            return x - keras.ops.mean(x, axis=1, keepdims=True)

    return {
        "a window as scale": lambda: layers.Rescaling(window),
        "a window as offset": lambda: layers.Rescaling(1.0, offset=window),
        "Normalization of every value": lambda: layers.Normalization(
            axis=axes, mean=values.normal(size=shape), variance=values.uniform(0.5, 2, shape)
        ),
        "BatchNormalization of positions": lambda: layers.BatchNormalization(axis=1),
        "LayerNormalization": lambda: layers.LayerNormalization(axis=axes),
        "PReLU": lambda: layers.PReLU("random_normal"),
        "a class of the same name": Rescaling,
        "a subclass of the same name": lambda: Activation("relu"),
        "a function over positions": lambda: layers.Activation(lambda x: x / (1 + keras.ops.abs(x[:, :1]))),
        "an activation over positions": lambda: getattr(layers, f"Conv{len(shape) - 1}D")(
            2, 1, activation=lambda x: keras.ops.softmax(x, axis=1)
        ),
    }


ALIKE = ("Rescaling", "Rescaling of channels", "Normalization", "Normalization by one number")
ALIKE += ("BatchNormalization", "softmax", "Dropout", "LeakyReLU")
APART = ("a window as scale", "a window as offset", "Normalization of every value")
APART += ("BatchNormalization of positions", "LayerNormalization", "PReLU", "a class of the same name")
APART += ("a subclass of the same name", "a function over positions", "an activation over positions")


def model_of(keras, shape, kinds, seed, pooled):
    """A convolution, layers by name, another convolution, and the end of a classifier."""
    keras.utils.set_random_seed(seed)
    layers, axes = keras.layers, len(shape) - 1
    conv = getattr(layers, f"Conv{axes}D")
    values = np.random.default_rng(seed)
    start = keras.Input(shape)
    x = start
    for place, kind in enumerate(kinds):
        made = {**alike(keras, x.shape[1:], values), **apart(keras, x.shape[1:], values)}[kind]()
        x = conv(4, 3, padding=("same", "valid")[place % 2], activation="elu")(made(x))
    x = getattr(layers, f"GlobalAveragePooling{axes}D")()(x) if pooled else layers.Flatten()(x)
    model = keras.Model(start, layers.Dense(3)(x))
    for weights in model.weights:
        low = 0.3 if "variance" in weights.name else -1
        weights.assign(values.uniform(low, 1, weights.shape))
    return model


def full_and_incremental(model, monkeypatch, seed, everywhere=False):
    """Scores of inputs with a window covered (at three places or everywhere), by full passes and incrementally."""
    values = np.random.default_rng(seed)
    shape = model.input_shape[1:]
    inputs, fill = (values.normal(size=(3, *shape)).astype(np.float32) for _ in range(2))
    size = (3, 2)[: len(shape) - 1]
    starts = np.array([[0] * len(size), [2] * len(size), [n - k for n, k in zip(shape, size, strict=False)]])
    if everywhere:
        starts = np.stack(
            [axis.ravel() for axis in np.indices([n - k + 1 for n, k in zip(shape, size, strict=False)])], 1
        )
    channels = np.array([-1, 0, -1])[np.arange(len(starts)) % 3]
    arguments = (inputs, fill, np.array([0, 1, 2]), starts, size, channels)
    full, explained_model = ExplainedModel(model), ExplainedModel(model)
    with monkeypatch.context() as patch:
        patch.setattr(full._scorers, "for_windows", lambda *_: None)
        patch.setattr("pellucid.network.window_scores._WORK_OF_TRACING", -1e30)
        return full.covered_scores(*arguments), explained_model.covered_scores(*arguments)


@SETTINGS
@given(
    kinds=st.lists(st.sampled_from(ALIKE + APART), min_size=1, max_size=3),
    shape=st.sampled_from([(11, 2), (11, 1), (7, 6, 2)]),
    seed=st.integers(0, 99),
    pooled=st.booleans(),
)
def test_incremental_scores_are_those_of_full_passes(keras, monkeypatch, kinds, shape, seed, pooled):
    full, found = full_and_incremental(model_of(keras, shape, kinds, seed, pooled), monkeypatch, seed)
    np.testing.assert_allclose(found, full, atol=2e-5 * max(np.abs(full).max(), 1))


def test_layers_that_treat_positions_apart_have_no_plan(keras):
    for kind in APART:
        for shape in ((11, 2), (11, 1)):
            if (kind, shape[-1]) in {(2), ("half the channels", 1)}:
                continue
            plan = incremental_plan.plan(model_of(keras, shape, [kind], 1, False))
            assert plan is None, kind


def test_layers_that_treat_positions_alike_have_one(keras):
    for kind in ALIKE:
        assert incremental_plan.plan(model_of(keras, (11, 2), [kind], 1, False)), kind


def test_weights_that_are_not_float32_and_dropouts_at_work_have_no_plan(keras):
    layers = keras.layers
    half = keras.Sequential(
        [layers.Input((9, 2)), layers.Conv1D(3, 3, dtype="mixed_float16"), layers.Flatten(), layers.Dense(2)]
    )
    small = keras.Sequential([layers.Input((9, 2)), layers.Flatten(), layers.Dense(2)])
    small.quantize("int8")
    start = keras.Input((9, 2))
    random = keras.Model(start, layers.Dense(2)(layers.Flatten()(layers.Dropout(0.5)(start, training=True))))
    assert [incremental_plan.plan(model) for model in (half, small, random)] == [None] * 3
