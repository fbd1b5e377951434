"""What a saved model is said to have while nothing but its description is read."""

import re

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.models.imported import archive
from pellucid.network.explained_model import ExplainedModel

SERIES = ["Conv1DTranspose", "DepthwiseConv1D", "SeparableConv1D", "UpSampling1D", "Cropping1D", "ZeroPadding1D"]
IMAGES = ["Conv2DTranspose", "DepthwiseConv2D", "SeparableConv2D", "UpSampling2D", "Cropping2D", "MaxPooling2D"]
SETTINGS = {
    "Conv1DTranspose": {"filters": 3, "kernel_size": 3},
    "Conv2DTranspose": {"filters": 3, "kernel_size": 3},
    "DepthwiseConv1D": {"kernel_size": 3},
    "DepthwiseConv2D": {"kernel_size": 3},
    "SeparableConv1D": {"filters": 3, "kernel_size": 3},
    "SeparableConv2D": {"filters": 3, "kernel_size": 3},
}


@pytest.mark.parametrize("kind", [*SERIES, *IMAGES, "LeakyReLU", "PReLU", "ELU", "ReLU"])
def test_a_layer_said_to_have_multipliers_has_them(keras, tmp_path, kind):
    shape = (9, 2) if kind in SERIES else (9, 9, 2)
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input(shape), getattr(layers, kind)(**SETTINGS.get(kind, {})), layers.Flatten(), layers.Dense(2)]
    )
    model.save(tmp_path / "model.keras")

    assert "rescale_rule" in archive.features(archive.read(tmp_path / "model.keras"), "model")
    assert all(operation.fits for operation in ExplainedModel(model).operations)


@pytest.mark.parametrize(
    "function", ["leaky_relu", "elu", "selu", "gelu", "silu", "mish", "tanh", "sigmoid", "softplus"]
)
def test_a_function_said_to_have_multipliers_has_them(keras, tmp_path, function, rng):
    layers = keras.layers
    model = keras.Sequential([keras.Input((6,)), layers.Dense(4, activation=function), layers.Dense(2)])
    model.save(tmp_path / "model.keras")

    assert "rescale_rule" in archive.features(archive.read(tmp_path / "model.keras"), "model")
    explained_model = ExplainedModel(model)
    x, rows = rng.normal(size=(3, 6)).astype(np.float32), rng.normal(size=(5, 6)).astype(np.float32)
    target = np.array([0, 1, 0])
    found = explained_model.contributions(x, rows, target)
    expected = explained_model.score(x, target) - explained_model.logits(rows)[:, target].mean(0)
    np.testing.assert_allclose(found.sum(1), expected, atol=1e-5)


def test_grouped_convolutions_are_not_said_to_have_them(keras, tmp_path):
    layers = keras.layers
    model = keras.Sequential([keras.Input((9, 2)), layers.Conv1D(4, 3, groups=2), layers.Flatten(), layers.Dense(2)])
    model.save(tmp_path / "model.keras")

    assert "rescale_rule" not in archive.features(archive.read(tmp_path / "model.keras"), "model")


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_advice_on_an_older_format_makes_a_file_that_is_taken(keras, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = keras.Sequential([keras.Input((9, 2)), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.save("old.h5")
    with pytest.raises(InputError, match="old.h5: found a model in the older format HDF5") as told:
        archive.read("old.h5")
    (advice,) = re.findall(r"keras\.models\S+\.save\(\S+\)", str(told.value))
    exec(advice, {"keras": keras})
    assert archive.input_shape(archive.read("old.keras"), "old.keras") == (9, 2)
