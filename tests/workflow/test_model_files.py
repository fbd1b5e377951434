"""The weights of a model from an address: downloaded, checked, and taken up by the training rule."""

import numpy as np
import pytest

from pellucid import files
from tests.support import application_weights, imagenet_index, tiny, vgg16_weights
from tests.support.servers import serving

pytestmark = pytest.mark.slow


@pytest.fixture
def address(keras, tmp_path):
    """Weights of VGG16 for 32 × 32 pixels, in the published layout and under the published name, on this machine."""
    served = tmp_path / "served"
    served.mkdir()
    path = served / "vgg16_weights_tf_dim_ordering_tf_kernels.h5"
    model = vgg16_weights.write(keras, path, (32, 32, 3), 1000)
    with serving(served) as root:
        yield f"{root}/{path.name}", files.md5(path), model


def configure(folder, address, md5):
    experiment = {
        "dataset": {"source": "sample_photographs", "size": 32},
        "model": {"architecture": "vgg16", "weights": address, "weights_md5": md5, "nested": True},
        "training": {"epochs": 0},
        "examples": {"per_class": 1, "choose": "any"},
        "methods": {"grad_cam": {}},
    }
    tiny.write_config(folder, {"run": ["photographs"], "experiments": {"photographs": experiment}})


def test_weights_of_another_checksum_are_refused_and_the_right_ones_explained(keras, tmp_path, address):
    folder = tmp_path / "project"
    folder.mkdir()
    where, digest, published = address
    model = "results/photographs/model/model.keras"

    configure(folder, where, "0" * 32)
    refused = tiny.snakemake(folder, "--cores", "2", model)
    assert refused.returncode != 0
    for part in (where, digest, "0" * 32):
        assert part in refused.stderr
    assert "Traceback" not in refused.stderr
    left = [
        path
        for path in folder.glob("results/downloads/**/*")
        if path.is_file() and path.suffix not in (".log", ".lock")
    ]
    assert not left
    assert not (folder / model).exists()

    configure(folder, where, digest)
    maps = "results/photographs/explain/grad_cam"
    tiny.build(folder, f"{maps}/attributions.npz", f"{maps}/grad_cam.png", "results/photographs/model/history.png")
    found = keras.models.load_model(folder / model)
    own = found.get_layer("vgg16").get_layer("block5_conv3").kernel.numpy()
    np.testing.assert_array_equal(own, published.get_layer("block5_conv3").kernel.numpy())
    # The photographs are of two kinds: the layer of the 1,000 classes begins anew, the one before it does not.
    np.testing.assert_array_equal(found.get_layer("fc2").kernel.numpy(), published.get_layer("fc2").kernel.numpy())
    assert found.output_shape == (None, 2)
    training_info = files.read_json(folder / "results/photographs/model/training.json")
    assert training_info["files"]["weights"]["path"] == where
    assert files.read_arrays(folder / maps / "attributions.npz")["attributions"].any()
    (place,) = folder.glob("results/downloads/*/*.h5")
    assert files.md5(place) == digest


def test_a_network_with_a_thousand_classes_is_explained_by_their_names(keras, tmp_path):
    served, folder = tmp_path / "served", tmp_path / "project"
    served.mkdir()
    folder.mkdir()
    published = keras.applications.MobileNetV2(weights=None, input_shape=(32, 32, 3))
    # Without statistics of images every score would be the same to rounding, which is refused.
    seen = np.random.default_rng(0).uniform(-1, 1, (64, 32, 32, 3)).astype(np.float32)
    weights = application_weights.write(published, served / "mobilenet_v2.h5", seen)
    index = imagenet_index.write(served / "imagenet_class_index.json")
    with serving(served) as root:
        dataset = {"source": "sample_photographs", "size": 32, "train_per_class": 6, "test_per_class": 4}
        dataset |= {"labels": "imagenet", "class_index": f"{root}/{index.name}", "class_index_md5": "0" * 32}
        experiment = {
            "dataset": dataset,
            "model": {"architecture": "application", "weights": f"{root}/{weights.name}"},
            "training": {"epochs": 0},
            "examples": {"per_class": 1, "choose": "any"},
            "methods": {"grad_cam": {}},
        }
        content = {"run": ["photographs"], "experiments": {"photographs": experiment}}

        tiny.write_config(folder, content)
        refused = tiny.snakemake(folder, "--cores", "2", "results/photographs/data/data.json")
        assert refused.returncode != 0
        assert f"{index.name}: found a file of" in refused.stderr
        assert f"expected MD5 {'0' * 32}" in refused.stderr
        assert not (folder / "results/photographs/data/data.json").exists()

        dataset["class_index_md5"] = files.md5(index)
        tiny.write_config(folder, content)
        here = "results/photographs"
        evaluated = [f"{here}/evaluation/{name}.png" for name in ("confusion_matrix", "reliability")]
        tiny.build(folder, f"{here}/explain/grad_cam/grad_cam.png", f"{here}/data/examples.png", *evaluated)
    results = folder / here
    found = keras.models.load_model(results / "model/model.keras")
    np.testing.assert_array_equal(found.get_layer("predictions").kernel, published.get_layer("predictions").kernel)
    assert files.read_json(results / "model/training.json")["origin"] == "as they are in the file"
    assert files.read_json(results / "data/data.json")["classes"][698] == "palace"
    # Those that occur, and no more.
    table = (results / "evaluation/confusion_matrix.csv").read_text().splitlines()
    assert 2 <= len(table) - 1 <= 10
    assert {"palace", "daisy"} <= set(table[0].split(","))
    assert files.read_json(results / "evaluation/metrics.json")["classes"] == 1000
    drawn = (results / "explain/grad_cam/grad_cam.svg").read_text()
    assert "true: palace" in drawn
    assert "true: daisy" in drawn
