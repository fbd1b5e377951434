"""VGG16 against keras.applications, with weights in the layout in which Keras publishes them."""

from types import SimpleNamespace

import numpy as np
import pytest

from pellucid import files
from pellucid.errors import InputError
from pellucid.models.published import keras_weights
from pellucid.models.vgg16 import build
from pellucid.network.explained_model import ExplainedModel
from tests.support import prepared
from tests.support.vgg16_weights import write

pytestmark = pytest.mark.slow

SHAPE, CLASSES = (32, 32, 3), 7


@pytest.fixture(scope="module")
def published(keras, tmp_path_factory):
    """Keras's own VGG16 with random weights, biases too, and the file of them."""
    path = tmp_path_factory.mktemp("weights") / "vgg16_weights_tf_dim_ordering_tf_kernels.h5"
    return SimpleNamespace(model=write(keras, path, SHAPE, CLASSES), path=path)


@pytest.fixture(scope="module", params=[False, True], ids=["flat", "nested"])
def ours(request, published):
    """The same weights in a model of ours, flat and nested."""
    return build(SHAPE, CLASSES, weights=published.path, nested=request.param)


@pytest.fixture
def pixels(rng):
    """Images from 0 to 255, whose colours differ."""
    return (rng.random((3, *SHAPE)) * [255, 120, 30]).astype(np.float32)


def same(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())


def test_answers_rgb_as_keras_answers_what_its_preprocessing_makes_of_it(keras, published, ours, pixels):
    expected = published.model.predict(keras.applications.vgg16.preprocess_input(pixels.copy()), verbose=0)
    assert np.ptp(expected, axis=0).max() > 0.01
    same(ExplainedModel(ours).probabilities(pixels / 255), expected)
    # It must matter in which order the colours come.
    assert not np.allclose(ExplainedModel(ours).probabilities(pixels[..., ::-1] / 255), expected, rtol=1e-2)


def test_white_is_what_the_data_call_full_intensity(published, ours, pixels):
    expected = ExplainedModel(ours).probabilities(pixels / 255)
    same(ExplainedModel(build(SHAPE, CLASSES, weights=published.path, white=255)).probabilities(pixels), expected)


def test_keras_itself_loads_the_file(keras, published, pixels):
    """The file is in Keras's layout: its own loader gives the same network."""
    theirs = keras.applications.VGG16(weights=None, input_shape=SHAPE, classes=CLASSES)
    theirs.load_weights(published.path)
    np.testing.assert_array_equal(theirs.predict(pixels, verbose=0), published.model.predict(pixels, verbose=0))


def test_deep_shap_knows_every_layer_the_preprocessing_too(ours, pixels, rng):
    from pellucid.explain import deep_shap

    model, background = ExplainedModel(ours), pixels[::-1] / 255
    targets = np.array([0, 1, 2])
    found = deep_shap.explain(model, pixels / 255, targets, rng, training=background, background=3)
    change = model.score(pixels / 255, targets) - model.logits(background)[:, targets].mean(0)
    np.testing.assert_allclose(found.sum((1, 2, 3)), change, atol=0.01 * np.abs(change).max())


def test_saved_and_loaded_without_code_it_is_the_same(ours, pixels, tmp_path):
    ours.save(tmp_path / "model.keras")
    loaded = ExplainedModel.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.logits(pixels / 255), ExplainedModel(ours).logits(pixels / 255))


def test_its_layers_are_known_by_their_published_names(ours, pixels):
    model = ExplainedModel(ours)
    assert len(model.conv_layers) == 13
    assert model.conv_layers[-1] == "block5_conv3"
    assert model.activations(pixels / 255, "block5_conv3").shape == (3, 2, 2, 512)


@pytest.mark.parametrize(
    ("shape", "classes", "anew"),
    [((32, 32, 3), 5, ["predictions"]), ((64, 32, 3), 7, ["fc1", "fc2", "predictions"])],
)
def test_dense_layers_of_another_shape_begin_anew(keras, published, shape, classes, anew, caplog):
    with caplog.at_level("INFO"):
        model = ExplainedModel(build(shape, classes, weights=published.path))
    assert f"{', '.join(anew)} begin anew" in caplog.text
    stored = keras_weights.read(published.path)
    kernel, bias = stored["block1_conv1"]
    stored["block1_conv1"] = [kernel[:, :, ::-1], bias]
    for name, arrays in model.weights.items():
        taken = all(np.array_equal(own, other) for own, other in zip(arrays, stored[name], strict=True))
        assert taken != (name in anew), name


def test_a_file_without_dense_layers_gives_the_convolutions(keras, published, tmp_path, caplog):
    backbone = keras.applications.VGG16(include_top=False, weights=None, input_shape=SHAPE)
    write(keras, tmp_path / "notop.h5", SHAPE, CLASSES, model=backbone)
    with caplog.at_level("INFO"):
        model = ExplainedModel(build(SHAPE, CLASSES, weights=tmp_path / "notop.h5"))
    assert "fc1, fc2, predictions begin anew" in caplog.text
    np.testing.assert_array_equal(model.weights["block5_conv3"][0], backbone.get_layer("block5_conv3").kernel.numpy())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"hello", "found a file that cannot be read .*expected weights in the HDF5 layout of keras.applications"),
        (None, "found a file that cannot be read"),
    ],
    ids=["no HDF5", "cut off"],
)
def test_a_file_that_is_none_is_refused(published, tmp_path, content, message):
    path = tmp_path / "weights.h5"
    with published.path.open("rb") as file:
        path.write_bytes(content or file.read(100_000))
    with pytest.raises(InputError, match=f"weights.h5: {message}"):
        build(SHAPE, CLASSES, weights=path)


def test_a_file_of_another_network_is_refused(keras, tmp_path):
    other = keras.Sequential([keras.layers.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="block1_conv1")])
    write(keras, tmp_path / "other.h5", SHAPE, CLASSES, model=other)
    with pytest.raises(InputError, match=r"block1_conv1 with \(3, 3, 3, 4\).*expected .*\(3, 3, 3, 64\) and \(64,\)"):
        build(SHAPE, CLASSES, weights=tmp_path / "other.h5")


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((31, 64, 3), "examples of shape 31 × 64 × 3; expected at least 32"),
        ((32, 32, 1), "1 channel.*red, green, blue"),
    ],
)
def test_images_that_it_cannot_take(keras, shape, message):
    with pytest.raises(InputError, match=f"model vgg16: found .*{message}"):
        build(shape, 3)


def test_the_published_md5_is_the_one_that_keras_states():
    from pathlib import Path

    from keras.src.applications import vgg16 as theirs

    from pellucid.models.vgg16 import SPEC

    said = SPEC.files["weights"].description
    assert theirs.WEIGHTS_PATH in said
    md5 = said.split("weights_md5: ")[1].rstrip(")")
    assert f'file_hash="{md5}"' in Path(theirs.__file__).read_text()


def test_training_takes_the_weights_of_the_file_when_its_checksum_is_right(keras, published, tmp_path):
    dataset = {"source": "sample_photographs", "size": 32, "train_per_class": 6, "test_per_class": 2}
    data = prepared.prepare(tmp_path / "data", dataset, split={"test": 0.2, "validation": 0.34})
    model = {"architecture": "vgg16", "weights": "https://example.org/weights.h5", "nested": False, "white": 1}

    def fit(**checksums):
        recipe, paths = {"epochs": 0, "batch_size": 4}, {"weights": str(published.path)}
        return prepared.fit(data, tmp_path, {**model, **checksums}, recipe, paths=paths)

    with pytest.raises(InputError, match="found a file of .* bytes with MD5 [0-9a-f]{32}; expected MD5 " + "0" * 32):
        fit(weights_sha256=files.sha256(published.path), weights_md5="0" * 32)
    assert not (tmp_path / "model").exists()
    data_info = fit(weights_md5=files.md5(published.path))
    assert data_info["files"] == {"weights": {"path": model["weights"], "sha256": files.sha256(published.path)}}
    found = keras.models.load_model(tmp_path / "model" / "model.keras").get_layer("fc2").kernel.numpy()
    np.testing.assert_array_equal(found, published.model.get_layer("fc2").kernel.numpy())
