"""Models of the user's own whose inputs have the channels first, or no axis of channels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.explain import grad_cam
from pellucid.models import keras_file
from pellucid.network.explained_model import ExplainedModel

T, OUTPUTS = 24, 3
PLANNED = {"features": "auto", "allow_code": False, "new_head": False, "classes": ()}


def _saved(folder: Path, name: str, shape: tuple[int, ...], *turning: Any) -> Path:
    import keras

    layers = keras.layers
    data = keras.Input(shape)
    x = data
    for layer in turning:
        x = layer(x)
    x = layers.Conv1D(4, 3, padding="same", activation="relu", name="maps")(x)
    model = keras.Model(data, layers.Dense(OUTPUTS, activation="softmax")(layers.Flatten()(x)))
    model.save(folder / name)
    return folder / name


@pytest.fixture(scope="module")
def saved(keras, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("axes")
    return {
        "first": _saved(folder, "first.keras", (2, T), keras.layers.Permute((2, 1))),
        "flat": _saved(folder, "flat.keras", (T,), keras.layers.Reshape((-1, 1))),
        "last": _saved(folder, "last.keras", (T, 2)),
    }


@pytest.mark.parametrize(
    ("name", "channels", "data_format"), [("first", 2, "channels_first"), ("flat", 1, "channels_last")]
)
def test_the_model_behind_a_first_layer_has_the_same_outputs_gradient_and_features(
    keras, saved, name, channels, data_format
):
    import tensorflow as tf

    path = saved[name]
    assert keras_file.features(file=str(path), data_format=data_format, **PLANNED) == ("conv", "relu", "rescale_rule")
    model = keras_file.build((T, channels), OUTPUTS, file=path, data_format=data_format)
    original = keras.models.load_model(path)
    x = np.random.default_rng(0).standard_normal((2, T, channels)).astype(np.float32)
    as_it_takes = x.transpose(0, 2, 1) if name == "first" else x[..., 0]
    np.testing.assert_allclose(model(x), original(as_it_takes), atol=1e-6)
    explained, targets = ExplainedModel(model), np.array([0, 2])
    # Log-probabilities differ by as much as logits do: the original's own gradient says what is expected.
    why_not = explained.gradient(x, targets) - explained.gradient(x, np.array([1, 1]))
    values = tf.constant(as_it_takes)
    with tf.GradientTape() as tape:
        tape.watch(values)
        scores = tf.math.log(original(values))
        margin = tf.gather(scores, targets, batch_dims=1) - scores[:, 1]
    expected = np.asarray(tape.gradient(margin, values))
    expected = expected.transpose(0, 2, 1) if name == "first" else expected[..., None]
    np.testing.assert_allclose(why_not, expected, rtol=1e-4, atol=1e-6)
    maps = grad_cam.explain(explained, x, targets, np.random.default_rng(0))
    assert maps.shape == x.shape


def test_a_model_with_the_channels_first_is_refused_with_the_key_that_takes_it(saved):
    with pytest.raises(InputError, match="data_format: channels_first moves"):
        keras_file.build((T, 2), OUTPUTS, file=saved["first"])


def test_channels_first_is_refused_for_a_model_that_takes_them_last(saved):
    with pytest.raises(InputError, match=rf"expected 2 × {T}, .* channels first"):
        keras_file.build((T, 2), OUTPUTS, file=saved["last"], data_format="channels_first")


def test_channels_first_is_refused_for_a_model_without_channels(saved):
    with pytest.raises(InputError, match="this model has no channels"):
        keras_file.features(file=str(saved["flat"]), data_format="channels_first", **PLANNED)


def test_a_reshape_that_mixes_axes_has_no_maps_on_the_input(keras, tmp_path):
    path = _saved(tmp_path, "mixed.keras", (T, 2), keras.layers.Reshape((2 * T, 1)))
    assert "conv" not in keras_file.features(file=str(path), **PLANNED)
