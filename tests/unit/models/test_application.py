"""Networks of keras.applications against Keras itself, with weights in the layout in which Keras publishes them."""

import sys

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.models.application import SPEC, build, features, fill
from pellucid.models.published.keras_networks import NETWORKS
from pellucid.network.explained_model import ExplainedModel
from pellucid.train.run import _origin
from tests.support.application_weights import write

# The smallest network of each family, but for those of InceptionResNetV2 and NASNet, which take minutes each.
SMALLEST = [
    "ConvNeXtTiny",
    "DenseNet121",
    "EfficientNetB0",
    "EfficientNetV2B0",
    "InceptionV3",
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Small",
    "ResNet50",
    "ResNet50V2",
    "VGG16",
    "Xception",
]


@pytest.fixture(scope="module")
def mobile(keras, tmp_path_factory):
    """Keras' MobileNetV2 for 1,000 classes, and the file of its weights."""
    keras.utils.set_random_seed(3)
    model = keras.applications.MobileNetV2(weights=None, input_shape=(32, 32, 3))
    images = keras.applications.mobilenet_v2.preprocess_input(pixels((32, 32, 3)))
    return model, write(model, tmp_path_factory.mktemp("weights") / "mobilenet_v2.h5", images)


def pixels(shape):
    """Three images from 0 to 255 of different colours."""
    colours = np.array([[255, 120, 30], [30, 255, 120], [120, 30, 255]])[:, np.newaxis, np.newaxis]
    return (np.random.default_rng(0).random((3, *shape)) * colours).astype(np.float32)


def same(found, expected):
    """Probabilities that differ from example to example, and are the same as the expected ones."""
    found, expected = np.log(found), np.log(expected)
    spread = np.ptp(expected, axis=0).max()
    # A softmax that is sure of itself would hide what comes before it.
    assert np.isfinite(expected).all()
    assert spread > 1e-3
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.01 * spread)


def test_answers_pictures_as_keras_answers_what_its_preprocessing_makes_of_them(keras, mobile):
    theirs, path = mobile
    x = pixels((32, 32, 3))
    expected = theirs.predict(keras.applications.mobilenet_v2.preprocess_input(x.copy()), verbose=0)
    ours = build((32, 32, 3), 1000, name="MobileNetV2", weights=path)
    same(ExplainedModel(ours).probabilities(x / 255), expected)


@pytest.mark.slow
def test_other_classes_begin_anew_and_the_rest_is_taken(mobile, caplog):
    theirs, path = mobile
    with caplog.at_level("INFO"):
        ours = build((48, 40, 3), 5, weights=path, freeze=True)
    assert "predictions start with random weights" in caplog.text
    assert ours.output_shape == (None, 5)
    white = build((48, 40, 3), 5, white=255)
    np.testing.assert_allclose(white.get_layer("preprocessing").scale, 2 / 255)
    np.testing.assert_array_equal(ours.get_layer("Conv_1").kernel, theirs.get_layer("Conv_1").kernel)
    assert [layer.name for layer in ours.layers if layer.trainable_weights] == ["predictions"]


@pytest.mark.slow
def test_the_average_is_the_head_that_class_activation_maps_need(mobile):
    _, path = mobile
    ours = build((32, 32, 3), 4, weights=path, head="average", freeze=True)
    layer, weights = ExplainedModel(ours).pooled_head
    assert weights.shape == (1280, 4)
    assert ours.get_layer(layer).output.shape[-1] == 1280
    assert [layer.name for layer in ours.layers if layer.trainable_weights] == ["classes"]


@pytest.mark.slow
def test_training_leaves_what_is_frozen(keras, mobile, rng):
    _, path = mobile
    ours = build((32, 32, 3), 3, weights=path, freeze=True)
    before = [np.array(one) for one in ours.get_layer("Conv_1_bn").get_weights()]
    ours.compile("adam", "sparse_categorical_crossentropy")
    ours.fit(rng.random((4, 32, 32, 3)), np.array([0, 1, 2, 0]), verbose=0)
    # The running statistics too.
    for old, new in zip(before, ours.get_layer("Conv_1_bn").get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.slow
def test_weights_of_another_network_are_refused(keras, mobile, tmp_path):
    _, path = mobile
    with pytest.raises(InputError, match=r"mobilenet_v2.h5: found weights of 105 layers; expected .* for MobileNet\b"):
        build((32, 32, 3), 1000, name="MobileNet", weights=path)
    # As many layers, of other shapes.
    narrow = keras.applications.MobileNetV2(weights=None, input_shape=(32, 32, 3), alpha=0.35)
    with pytest.raises(InputError, match="narrow.h5: found weights of another network .*expected those of MobileNetV2"):
        build((32, 32, 3), 1000, weights=write(narrow, tmp_path / "narrow.h5"))
    (tmp_path / "text.h5").write_text("<html>")
    with pytest.raises(InputError, match=r"text.h5: found a file that cannot be read.*HDF5 layout"):
        build((32, 32, 3), 1000, weights=tmp_path / "text.h5")


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        (
            "InceptionV3",
            (74, 80, 3),
            "application InceptionV3: found examples of shape 74 × 80 × 3; expected at least 75",
        ),
        ("MobileNetV2", (32, 32, 1), "application MobileNetV2: found images of 1 channel"),
    ],
)
def test_images_that_a_network_cannot_take(name, shape, message):
    with pytest.raises(InputError, match=message):
        build(shape, 3, name=name)


def test_published_weights_stand_for_an_address_and_its_checksum():
    assert fill(name="ResNet50", weights="none") == {}
    assert fill(name="ResNet50", weights="own.h5") == {}
    assert fill(name="ResNet50", weights="imagenet") == {
        "weights": "https://storage.googleapis.com/tensorflow/keras-applications/resnet/"
        "resnet50_weights_tf_dim_ordering_tf_kernels.h5",
        "weights_md5": "2cb95161c43110f7111970584f804107",
    }
    assert len(fill(name="ConvNeXtTiny", weights="imagenet")["weights_sha256"]) == 64
    assert set(fill(name="MobileNetV2", weights="imagenet")) == {"weights"}


@pytest.mark.parametrize(
    ("paths", "epochs", "origin"),
    [
        ({"weights": "published.h5"}, 0, "as they are in the file"),
        ({"weights": "published.h5"}, 2, "fine-tuned"),
        ({}, 0, "random"),
        ({}, 2, "trained"),
    ],
)
@pytest.mark.parametrize("architecture", ["application", "vgg16"])
def test_the_record_says_where_the_weights_come_from(architecture, paths, epochs, origin):
    assert _origin({"architecture": architecture}, paths, epochs) == origin


def test_convolutions_behind_a_global_pooling_have_no_map(keras):
    """Squeeze and excitation: 1 × 1 convolutions of what is known of the whole picture."""
    model = ExplainedModel(build((64, 64, 3), 3, name="MobileNetV3Small"))
    assert "expanded_conv_squeeze_excite_conv" in model.layers
    assert not any("squeeze" in name for name in model.conv_layers)
    # Those of its head are no maps either.
    assert model.conv_layers[-1] == "conv_1"
    assert model.layers["conv_1"].output.shape == (None, 2, 2, 576)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALLEST)
def test_features_are_those_of_each_family(keras, name):
    from pellucid.explain import deep_shap

    side = NETWORKS[name].family.minimum
    model = ExplainedModel(build((side, side, 3), 3, name=name))
    x, targets = np.random.default_rng(0).random((2, side, side, 3), np.float32), np.array([0, 1])
    declared = set(features(name=name, head="published"))
    assert declared <= set(SPEC.features)
    asked = {
        "relu": lambda: model.gradient(x[:1], targets[:1], "guided"),
        "gap": lambda: model.pooled_head,
        "rescale_rule": lambda: deep_shap.explain(
            model, x, targets, np.random.default_rng(0), training=x[::-1], background=2
        ),
    }
    for feature, ask in asked.items():
        if feature in declared:
            ask()
        else:
            with pytest.raises(InputError):
                ask()
    assert "gap" in features(name=name, head="average")


@pytest.mark.slow
# Keras adds a layer to EfficientNetB0 when it loads published weights: tested by itself.
@pytest.mark.parametrize("name", [name for name in SMALLEST if name != "EfficientNetB0"])
def test_each_family_answers_as_keras_does_and_is_saved_without_code(keras, tmp_path, name):
    side = NETWORKS[name].family.minimum if name != "VGG16" else 224
    keras.utils.set_random_seed(5)
    network = getattr(keras.applications, name)
    module = sys.modules[network.__module__]
    theirs = network(weights=None, input_shape=(side, side, 3))
    x = pixels((side, side, 3))
    path = write(theirs, tmp_path / "weights.h5", module.preprocess_input(x.copy()))
    expected = theirs.predict(module.preprocess_input(x.copy()), verbose=0)
    ours = build((side, side, 3), 1000, name=name, weights=path)
    model = ExplainedModel(ours)
    same(model.probabilities(x / 255), expected)
    with pytest.raises(AssertionError):
        same(model.probabilities(x[..., ::-1] / 255), expected)
    ours.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(ExplainedModel.load(tmp_path / "model.keras").logits(x / 255), model.logits(x / 255))


@pytest.mark.slow
def test_efficientnet_scales_as_keras_does_with_published_weights(keras, tmp_path, monkeypatch):
    from keras.src.applications import efficientnet

    plain = keras.applications.EfficientNetB0(weights=None, input_shape=(224, 224, 3))
    x = pixels((224, 224, 3))
    path = write(plain, tmp_path / "weights.h5", x)
    monkeypatch.setattr(efficientnet.file_utils, "get_file", lambda *given, **named: str(path))
    theirs = keras.applications.EfficientNetB0(weights="imagenet")
    expected = theirs.predict(x, verbose=0)
    with pytest.raises(AssertionError):
        same(plain.predict(x, verbose=0), expected)
    ours = build((224, 224, 3), 1000, name="EfficientNetB0", weights=path)
    same(ExplainedModel(ours).probabilities(x / 255), expected)
    ours.save(tmp_path / "model.keras")
    same(ExplainedModel.load(tmp_path / "model.keras").probabilities(x / 255), expected)


@pytest.mark.slow
def test_the_table_is_what_keras_states(keras, monkeypatch):
    """Keras is asked for its published weights; what it would have downloaded is what the table has."""
    from keras.src.utils import file_utils

    asked = {}

    class AskedError(Exception):
        pass

    def instead(name, origin, *, file_hash=None, **others):
        asked["file"] = origin, file_hash or ""
        raise AskedError

    monkeypatch.setattr(file_utils, "get_file", instead)
    known = {
        name
        for name, one in vars(keras.applications).items()
        if callable(one) and "include_top" in one.__code__.co_varnames
    }
    assert set(NETWORKS) == known
    # The largest ones take minutes to build; their addresses are made by the same rule as their families'.
    for name in [name for name in NETWORKS if name in SMALLEST or name in ("VGG19", "EfficientNetB1", "DenseNet169")]:
        with pytest.raises(AskedError):
            getattr(keras.applications, name)(weights="imagenet")
        assert asked["file"] == (NETWORKS[name].address, NETWORKS[name].checksum), name
        keras.backend.clear_session()
