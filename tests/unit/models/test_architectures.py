"""Architectures against the parameter counts that were published for them, or that their layers add up to."""

import json

import numpy as np
import pytest

from pellucid import plugins
from pellucid.errors import InputError
from pellucid.models.imported import archive
from pellucid.network.explained_model import ExplainedModel

# Small ones of every architecture with parts that others lack: (name, input shape, parameters).
SMALL = [
    ("gap_cnn", (24, 2), {"filters": [8, 8], "kernels": [5, 3]}),
    ("gap_cnn", (8, 8, 3), {"filters": [4, 6], "kernels": [3, 3], "pool": 2}),
    ("attention_lstm", (24, 2), {"filters": 8, "kernel": 5, "pool": 3, "units": 8}),
    ("mil_cnn", (26, 2), {"window": 6, "filters": 8, "kernel": 3, "units": 8}),
    ("xresnet1d101", (32, 2), {"blocks": [1, 1], "filters": 8, "hidden": 8, "dropout": 0.1}),
    ("resnet1d_wang", (24, 2), {"filters": 8, "hidden": 0, "dropout": 0}),
    ("inception1d", (24, 2), {"depth": 3, "filters": 4, "bottleneck": 4, "kernel": 8, "dropout": 0.1}),
    ("transformer", (24, 2), {"patch": 3, "width": 8, "heads": 2, "depth": 1, "hidden": 8}),
    ("aeon", (24, 2), {"name": "LITE", "filters": 4, "kernel": 8, "batch_norm_momentum": 0.9}),
]
# Their layers take long to trace one by one.
MANY_LAYERS = ("aeon", "application", "inception1d", "xresnet1d101")
# The head of the PTB-XL benchmark for 71 classes behind a number of filters: maximum and mean of each, 128 units.
PTBXL_HEAD = {n: 4 * 2 * n + 2 * n * 128 + 128 + 4 * 128 + 128 * 71 + 71 for n in (128, 256)}


def small(keras, name, shape, parameters, classes=3):
    keras.utils.set_random_seed(12)
    return plugins.load("models")[name].build(shape, classes, **parameters)


@pytest.mark.parametrize(
    ("name", "shape", "classes", "parameters"),
    [
        ("heartbeat_cnn", (186, 1), 5, 121_053),
        ("digit_cnn", (28, 28, 1), 10, 1_199_882),
        # 543,404 up to the Dense 300, and its 6 classes.
        ("multivariate_cnn", (300, 9), 6, 543_404 + 300 * 6 + 6),
        # Half a gigabyte of weights.
        pytest.param("vgg16", (224, 224, 3), 1000, 138_357_544, marks=pytest.mark.slow),
        # Three convolutions with their biases, four numbers per normalised filter, and the classes.
        (
            "gap_cnn",
            (100, 6),
            4,
            sum(k * i * o + o + 4 * o for k, i, o in ((8, 6, 128), (5, 128, 256), (3, 256, 128))) + 128 * 4 + 4,
        ),
        (
            "gap_cnn",
            (16, 16, 3),
            4,
            sum(k * k * i * o + o + 4 * o for k, i, o in ((8, 3, 128), (5, 128, 256), (3, 256, 128))) + 128 * 4 + 4,
        ),
        # The convolution; four gates that see input and state; attention with a vector of its own; the classes.
        (
            "attention_lstm",
            (100, 6),
            4,
            (9 * 6 * 64 + 64) + 4 * (64 * (64 + 64) + 64) + (64 * 64 + 64) + 64 + 64 * 4 + 4,
        ),
        # Two convolutions over one channel's axis; the gated attention has no biases; the classes.
        # Twelve leads and 71 statements: what the benchmark's program trains, and mean and variance of each filter.
        ("resnet1d_wang", (1000, 12), 71, 481_863 + 2 * (9 * 128 + 256 + 128)),
        (
            "resnet1d_wang",
            (250, 12),
            71,
            (7 * 12 + 3 * (5 + 3) * 128 + 2 * 128) * 128 + 4 * 9 * 128 + PTBXL_HEAD[128],
        ),
        ("inception1d", (1000, 12), 71, 516_167 + 2 * (8 * 128 + 256 + 128)),
        (
            "inception1d",
            (250, 12),
            71,
            sum(2 * i * 32 + (39 + 19 + 9) * 32 * 32 for i in (12, *5 * [128]))
            + (12 + 128) * 128
            + 4 * 8 * 128
            + PTBXL_HEAD[128],
        ),
        ("xresnet1d101", (1000, 12), 71, 1_880_775 + 2 * (32 + 32 + 64 + 33 * (64 + 64 + 256) + 256 + 512 + 128)),
        (
            "xresnet1d101",
            (250, 12),
            71,
            5 * (12 * 32 + 32 * 32 + 32 * 64)
            + 4 * (32 + 32 + 64)
            + sum(i * 64 + 5 * 64 * 64 + 64 * 256 + 4 * (64 + 64 + 256) for i in (64, *32 * [256]))
            + 64 * 256
            + 4 * 256
            + PTBXL_HEAD[256],
        ),
        # Patches of 10 samples, a bias for each of 10 positions; three blocks: two normalisations, four projections,
        # two dense layers; the last normalisation, the classes.
        (
            "transformer",
            (100, 6),
            4,
            (10 * 6 * 64 + 64)
            + (64 * 64 + 10 * 64)
            + 3 * (2 * 128 + 4 * (64 * 64 + 64) + (64 * 128 + 128) + (128 * 64 + 64))
            + 128
            + 64 * 4
            + 4,
        ),
        ("mil_cnn", (100, 6), 4, (5 * 6 * 32 + 32) + (5 * 32 * 64 + 64) + 2 * 64 * 64 + 64 + 64 * 4 + 4),
    ],
)
def test_has_the_published_number_of_parameters(keras, name, shape, classes, parameters):
    assert plugins.load("models")[name].build(shape, classes).count_params() == parameters


@pytest.mark.parametrize(
    ("name", "parameters"),
    # Ismail-Fawaz A, Devanne M, Berretti S, Weber J, Forestier G. LITE: Light Inception with boosTing tEchniques for
    # Time Series Classification. DSAA (2023), table 1: what is trained before the classes, for one channel.
    [("FCN", 264_704), ("Inception", 420_192), ("LITE", 9_814)],
)
def test_aeons_networks_have_the_published_number_of_parameters(keras, name, parameters):
    model = plugins.load("models")["aeon"].build((100, 1), 5, name=name)
    trained = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert trained - (model.get_layer("classes").count_params()) == parameters


def test_every_network_of_aeon_is_what_is_said_of_it_and_is_numbered_from_one(keras):
    aeon = plugins.load("models")["aeon"]
    for name in aeon.NETWORKS:
        model = aeon.build((64, 3), 4, name=name)
        config = json.loads(model.to_json())
        archive.check(config, name)
        assert archive.features(config, name) == aeon.features(name=name), name
        assert model.output_shape == (None, 4)
        numbered = [layer.name for layer in model.layers if layer.name not in ("input", "classes")]
        assert numbered[0].endswith("_1"), name


def test_a_tcn_sees_the_whole_series_and_a_size_that_a_network_lacks_is_refused(keras, rng):
    aeon = plugins.load("models")["aeon"]
    explained_model = ExplainedModel(aeon.build((100, 1), 3, name="TCN"))
    gradient = explained_model.gradient(rng.normal(size=(4, 100, 1)).astype(np.float32), np.zeros(4, int))
    # Two convolutions of two samples in each block, with dilations 1 to 32, see 127 samples; with five blocks 63.
    assert np.abs(gradient).max(0)[0, 0] > 0
    with pytest.raises(InputError, match="aeon.depth: found 3 for FCN; expected nothing: only Inception, TCN"):
        aeon.build((100, 1), 3, name="FCN", depth=3)
    with pytest.raises(InputError, match="model aeon DisjointCNN: found series of shape 4 × 1 .*longer series"):
        aeon.build((4, 1), 3, name="DisjointCNN")


def test_sizes_that_do_not_fit_together_are_refused():
    models = plugins.load("models")
    with pytest.raises(InputError, match="xresnet1d101.kernel: found 4; expected an odd number"):
        models["xresnet1d101"].check(kernel=4)
    with pytest.raises(InputError, match="resnet1d_wang.kernel, halved and one more: found 4"):
        models["resnet1d_wang"].check(kernel=7)
    with pytest.raises(InputError, match="transformer.width: found 30; expected a multiple of 2 and of the 4 heads"):
        models["transformer"].build((100, 1), 3, width=30)


def test_multivariate_counts_543404_up_to_its_dense_300(keras):
    model = plugins.load("models")["multivariate_cnn"].build((300, 9), 6)
    assert model.get_layer("dense_1").units == 300
    assert model.count_params() - model.get_layer("classes").count_params() == 543_404


@pytest.mark.parametrize(
    ("name", "smallest"),
    [
        ("heartbeat_cnn", (12, 2)),
        ("multivariate_cnn", (73, 1)),
        ("digit_cnn", (6, 6, 3)),
        ("attention_lstm", (10, 2)),
        ("vgg16", (32, 32, 3)),
        ("xresnet1d101", (32, 2)),
        ("resnet1d_wang", (4, 2)),
        ("transformer", (11, 2)),
    ],
)
def test_adapts_down_to_its_smallest_input_and_refuses_a_smaller_one(keras, name, smallest):
    build = plugins.load("models")[name].build
    assert build(smallest, 3).output_shape == (None, 3)
    with pytest.raises(InputError, match=f"model {name}.*at least {smallest[0]} along every axis"):
        build((smallest[0] - 1, *smallest[1:]), 3)


def test_every_architecture_declares_what_it_takes():
    for name, module in plugins.load("models").items():
        assert set(module.SPEC.kinds) <= {"series", "image"}, name
        assert module.SPEC.title, name
        assert module.SPEC.source, name


def test_gap_cnn_keeps_the_size_without_pooling_and_refuses_to_lose_it_with(keras):
    build = plugins.load("models")["gap_cnn"].build
    assert build((7, 5, 1), 3).get_layer("relu_3").output.shape == (None, 7, 5, 128)
    assert build((9, 2), 3, pool=3).get_layer("relu_3").output.shape == (None, 1, 128)
    with pytest.raises(InputError, match="model gap_cnn: found examples of shape 8 × 2; expected at least 9"):
        build((8, 2), 3, pool=3)


def test_mil_cnn_needs_two_windows(keras):
    build = plugins.load("models")["mil_cnn"].build
    assert build((31, 1), 3, window=30).get_layer("windows").output.shape == (None, 2, 30, 1)
    with pytest.raises(InputError, match="mil_cnn.window: found 30, for 30 samples; expected windows that make at"):
        build((30, 1), 3, window=30)


def test_mil_cnn_cuts_the_series_into_windows_one_after_the_other(keras, rng):
    x = rng.random((2, 26, 2), np.float32)
    windows = ExplainedModel(small(keras, *SMALL[3])).activations(x, "windows")
    padded = np.concatenate([x, np.zeros((2, 4, 2), np.float32)], axis=1)
    np.testing.assert_array_equal(windows, np.stack(np.split(padded, 5, axis=1), axis=1))


@pytest.mark.parametrize(
    ("index", "layer", "size"),
    [(2, "attention_weights", 8), (3, "instance_weights", 5)],
    ids=["attention", "instances"],
)
def test_weights_are_positive_and_sum_to_one(keras, rng, index, layer, size):
    name, shape, parameters = SMALL[index]
    found = ExplainedModel(small(keras, name, shape, parameters)).activations(5 * rng.normal(size=(6, *shape)), layer)
    assert found.shape == (6, size)
    assert found.min() > 0
    np.testing.assert_allclose(found.sum(1), 1, rtol=1e-6)


@pytest.mark.parametrize(("name", "shape", "parameters"), SMALL)
def test_saved_and_loaded_without_code_it_is_the_same(keras, tmp_path, rng, name, shape, parameters):
    model, x = small(keras, name, shape, parameters), rng.random((3, *shape), np.float32)
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        ExplainedModel.load(tmp_path / "model.keras").logits(x), ExplainedModel(model).logits(x)
    )


@pytest.mark.parametrize(("name", "shape", "parameters"), SMALL)
def test_the_probe_gives_its_logits_and_their_slope(keras, rng, name, shape, parameters):
    import tensorflow as tf

    model, x = small(keras, name, shape, parameters), rng.normal(size=(3, *shape)).astype(np.float32)
    explained_model, target = ExplainedModel(model), np.array([0, 2, 1])
    np.testing.assert_allclose(explained_model.probabilities(x), model.predict(x, verbose=0), rtol=1e-5)
    # TensorFlow's own gradient of what the last layer makes before its softmax.
    head, before = model.layers[-1], keras.Model(model.inputs, model.layers[-1].input)
    batch = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(batch)
        logits = before(batch, training=False) @ head.kernel + head.bias
        score = tf.gather(logits, target, batch_dims=1)
    np.testing.assert_allclose(explained_model.logits(x), logits, rtol=1e-5, atol=1e-6)
    expected = tape.gradient(score, batch).numpy()
    np.testing.assert_allclose(explained_model.gradient(x, target), expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("name", "shape", "parameters"),
    [pytest.param(*row, marks=pytest.mark.slow if row[0] in (*MANY_LAYERS, "resnet1d_wang") else ()) for row in SMALL],
)
def test_learns_where_a_bump_is_and_of_which_sign(keras, rng, name, shape, parameters):
    # Noise, with a bump somewhere: up, down or none. Guessing gives a third.
    labels = rng.integers(0, 3, 300)
    x = rng.normal(size=(300, *shape)).astype(np.float32) * 0.1
    for example, label in zip(x, labels, strict=True):
        start = rng.integers(0, shape[0] - 3)
        example[(slice(start, start + 3),) * (len(shape) - 1)] += (0, 1, -1)[label]
    model = small(keras, name, shape, parameters)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[:200], labels[:200], epochs=25, batch_size=20, verbose=0)
    assert (ExplainedModel(model).logits(x[200:]).argmax(1) == labels[200:]).mean() > 0.9


@pytest.mark.parametrize(
    "name",
    [
        # Every convolution of its default network is asked for, which takes a minute.
        pytest.param(name, marks=pytest.mark.slow if name in MANY_LAYERS else ())
        for name, module in plugins.load("models").items()
        # The others are whatever a file or a function makes them.
        if not plugins.required(module)
    ],
)
def test_features_are_declared_as_they_are(keras, name):
    module = plugins.load("models")[name]
    shape = (32, 32, 3) if "image" in module.SPEC.kinds else (100, 2)
    found = plugins.hook(module, "features")(**plugins.defaults(module))
    model, features = ExplainedModel(module.build(shape, 3)), set(found)
    one = np.zeros((1, *shape), np.float32)
    # Maps over the input's own axes: as many as it has, and not one more.
    lies = [model.activations(one, layer).ndim == 1 + len(shape) for layer in model.conv_layers]
    assert ("conv" in features) == (bool(lies) and all(lies))
    assert ("attention" in features) == ("attention_weights" in model.layers)
    assert ("instances" in features) == ({"windows", "instance_weights"} <= set(model.layers))
    assert ("self_attention" in features) == any(
        type(layer).__name__ == "MultiHeadAttention" for layer in model.layers.values()
    )
    for feature, ask in (
        ("gap", lambda: model.pooled_head),
        ("relu", lambda: model.gradient(one, np.array([0]), "guided")),
    ):
        if feature in features:
            ask()
        else:
            with pytest.raises(InputError):
                ask()
