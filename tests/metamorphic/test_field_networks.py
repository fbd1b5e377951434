"""What researchers train today, taken from a `.keras` file by the config alone: every method that applies.

Maps are finite, sum up where a method promises it, and are those of the same function spelled in another way.
"""

from __future__ import annotations

import sys

import numpy as np
import pytest

from pellucid import files, own_code, plugins
from pellucid.config import resolution
from pellucid.explain.run import completeness
from pellucid.models import aeon, keras_file, resnet1d_wang, transformer
from pellucid.network.explained_model import ExplainedModel

pytestmark = pytest.mark.slow

METHODS = plugins.load("explain")
FEW = {
    "rise": {"masks": 40},
    "lime": {"samples": 60, "segments": 6},
    "kernel_shap": {"samples": 200, "segments": 6},
    "gradient_shap": {"samples": 300, "background": 4},
    "deep_shap": {"background": 4},
    "integrated_gradients": {"steps": 100},
    "smoothgrad": {"samples": 3},
    "vargrad": {"samples": 3},
    "occlusion": {"window": 5, "stride": 3},
    "augmented_occlusion": {"background": 2, "window": 5, "stride": 3},
}
CLASSES, EXAMPLES = 3, 2
MODULE = """
import keras

@keras.saving.register_keras_serializable("field")
class Gate(keras.layers.Layer):
    def build(self, shape):
        self.centre = self.add_weight(shape=(shape[-1],), name="centre")
    def call(self, x):
        return x * keras.ops.sigmoid(x - self.centre)
"""


def with_weights(model):
    """The model with weights that are nobody's defaults, statistics of batch normalisation included."""
    rng = np.random.default_rng(5)
    for layer in model._flatten_layers():
        if type(layer).__name__ == "BatchNormalization":
            size = layer.gamma.shape
            layer.set_weights(
                [1 + 0.2 * rng.normal(size=size), *0.2 * rng.normal(size=(2, *size)), 0.5 + rng.random(size)]
            )
        elif not hasattr(layer, "layers") and layer.weights and not layer._layers:
            layer.set_weights([weight + 0.05 * rng.normal(size=weight.shape) for weight in layer.get_weights()])
    return model


def nested(keras, model):
    """All but the last layer inside another model."""
    body = keras.Model(model.inputs, model.layers[-1].input, name="body")
    series = keras.Input(model.input_shape[1:])
    return keras.Model(series, model.layers[-1](body(series)))


def rescaled(keras, model):
    """Each batch normalisation written as the multiplication and addition that it is."""

    def respelled(layer):
        if type(layer).__name__ != "BatchNormalization":
            return layer.__class__.from_config(layer.get_config())
        gamma, beta, mean, variance = (np.asarray(weight, np.float64) for weight in layer.get_weights())
        scale = gamma / np.sqrt(variance + layer.epsilon)
        return keras.layers.Rescaling(scale.tolist(), (beta - mean * scale).tolist(), name=layer.name)

    def called(layer, *args, mask=None, **kwargs):  # which batch normalisation alone takes
        return layer(*args, **kwargs)

    twin = keras.models.clone_model(model, clone_function=respelled, call_function=called)
    for layer in twin.layers:
        if layer.weights:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    return twin


def fixed(keras, model):
    """An open length written as the length of the data."""
    twin = keras.models.clone_model(model, input_tensors=keras.Input((40, 1)))
    twin.set_weights(model.get_weights())
    return twin


def own_layer(keras, code):
    layers = keras.layers
    with own_code.importing(code.folder):
        gate = own_code.loaded(code, "test").Gate
    series = keras.Input((36, 2))
    hidden = gate(name="gate")(layers.Conv1D(6, 5, activation="relu", name="conv_1")(series))
    hidden = layers.GlobalAveragePooling1D()(layers.Conv1D(8, 3, activation="relu", name="conv_2")(hidden))
    return keras.Model(series, layers.Dense(CLASSES, activation="softmax", name="classes")(hidden))


def open_length(keras, code):
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((None, 1)),
            layers.Conv1D(6, 5, padding="same", activation="relu", name="conv_1"),
            layers.Conv1D(8, 3, padding="same", activation="relu", name="conv_2"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(CLASSES, name="classes"),
        ]
    )


# The model, the shape of the data's examples, the other spelling, and methods that apply among others.
CASES = {
    "own layer": (own_layer, (36, 2), nested, {"grad_cam", "gradient_shap"}),
    "open length": (open_length, (40, 1), fixed, {"cam", "deep_shap", "guided_grad_cam"}),
    "transformer": (
        lambda keras, code: transformer.build((40, 3), CLASSES, patch=5, width=8, heads=2, depth=2, hidden=12),
        (40, 3),
        nested,
        {"attention_rollout", "attention_gradient", "guided_backpropagation"},
    ),
    "InceptionTime": (
        lambda keras, code: aeon.build((40, 3), CLASSES, name="Inception", depth=3, filters=4, kernel=8),
        (40, 3),
        rescaled,
        {"cam", "deep_shap", "guided_grad_cam"},
    ),
    "ResNet of 12 leads": (
        lambda keras, code: resnet1d_wang.build((48, 12), CLASSES, filters=8, hidden=8),
        (48, 12),
        rescaled,
        {"grad_cam", "deep_shap", "guided_grad_cam"},
    ),
}


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    folder = tmp_path_factory.mktemp("code")
    (folder / "layers_of_the_field.py").write_text(MODULE)
    yield own_code.OwnCode("layers_of_the_field", str(folder))
    sys.modules.pop("layers_of_the_field", None)


LEARNED = ("extremal_perturbation", "dynamask", "extremal_mask")


def planned(path, code, own):
    """The methods that the workflow runs for the file, with all their parameters."""
    model = {"architecture": "keras_file", "file": str(path), **({"code": str(code.file)} if own else {})}
    written = {
        "run": ["field"],
        "defaults": {"methods": FEW},
        "experiments": {
            "field": {
                "dataset": {"source": "synthetic_series", "classes": CLASSES},
                "model": model,
                "training": {"epochs": 0},
                "methods": {"only": "all"},
            }
        },
    }
    settings = resolution.resolve(written).experiments["field"]
    return model, {name: parameters for name, parameters in settings["methods"].items() if parameters is not False}


def taken(path, shape, model, code, own):
    """The model as every job has it: built from the file, saved, and loaded by what lies beside it."""
    parameters = {name: value for name, value in model.items() if name not in ("architecture", "file")}
    made = keras_file.build(shape, CLASSES, file=path, **parameters)
    folder = path.parent / path.stem
    folder.mkdir()
    made.save(folder / "model.keras")
    files.write_json(folder / "training.json", {"code": code.stored()} if own else {})
    return ExplainedModel.load(folder / "model.keras")


@pytest.mark.parametrize("name", CASES)
def test_every_method_explains_it_alike_in_both_spellings(keras, code, tmp_path, name):
    make, shape, respell, wanted = CASES[name]
    keras.utils.set_random_seed(0)
    model, rng = with_weights(make(keras, code)), np.random.default_rng(3)
    inputs = rng.standard_normal((EXAMPLES, *shape), np.float32)
    training = rng.standard_normal((8, *shape), np.float32)
    targets, own, maps = np.array([0, 2]), name == "own layer", []
    for spelling, written in (("written", model), ("respelled", respell(keras, model))):
        path = tmp_path / f"{spelling}.keras"
        written.save(path)
        entry, methods = planned(path, code, own)
        explained_model = taken(path, shape, entry, code, own)
        maps.append({})
        for method, parameters in methods.items():
            module = METHODS[method]
            given = {**parameters, **({"training": training} if module.SPEC.needs_training else {})}
            draw = np.random.default_rng(7)
            found = module.explain(explained_model, inputs, targets, draw, **given)
            assert found.shape == inputs.shape, method
            assert np.isfinite(found).all(), method
            summed = completeness(module, explained_model, inputs, targets, found, np.random.default_rng(7), given)
            if summed:
                assert summed["completeness_residual_share"] < 0.05, method
            maps[-1][method] = found
    assert wanted <= set(maps[0])
    assert set(maps[0]) == set(maps[1]), "methods apply to one spelling alone"
    for method, found in maps[0].items():
        tolerance = 2e-3 * np.abs(found).max() + 1e-6
        # The steps of a search make the rounding of the other spelling larger: a few values of its masks differ.
        most = 0.02 if method in LEARNED else 0
        assert (np.abs(maps[1][method] - found) > tolerance).mean() <= most, method
