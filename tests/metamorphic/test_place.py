"""One place of the input alone moves the logit: every method that lays maps on the input peaks there, or is left out."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pellucid import plugins
from pellucid.explain.shared.upsampling import coverage
from pellucid.models.imported import archive, config_graph
from pellucid.network.explained_model import ExplainedModel
from pellucid.network.graph import flatten
from pellucid.network.map_layers import Places

LENGTH, MOTIF = 120, 5
METHODS = (
    *("grad_cam", "grad_cam_plus_plus", "layer_cam", "cam", "score_cam"),
    *("hires_cam", "xgrad_cam", "eigen_cam", "ablation_cam"),
)
# What lies in front of the convolution that finds the motif, and whether the place of its maps is known.
KNOWN = (
    "same",
    "cropped",
    "padded",
    "sliced",
    "turned",
    "flipped",
    "twice permuted",
    "padded by an operation",
    "shared",
)
UNKNOWN = ("rolled", "halves swapped", "sorted", "taken", "folded", "stretched", "shifted branches")


def front(keras, name, x, amount):
    """The series on its way to the convolution."""
    layers, ops = keras.layers, keras.ops
    cut = layers.Cropping1D((amount, 0))
    return {
        "same": lambda: x,
        "cropped": lambda: cut(x),
        "padded": lambda: layers.ZeroPadding1D((3 * amount, amount))(x),
        "sliced": lambda: x[:, amount:-3, :],
        "turned": lambda: x[:, ::-1],
        "flipped": lambda: ops.flip(x[:, amount:], axis=1),
        "twice permuted": lambda: layers.Permute((2, 1))(ops.transpose(cut(x), (0, 2, 1))),
        "padded by an operation": lambda: ops.pad(x, ((0, 0), (2 * amount, 0), (0, 0))),
        "shared": lambda: layers.Add()([cut(x), cut(x)]) * 0.5,
        "rolled": lambda: ops.roll(x, 40, axis=1),
        "halves swapped": lambda: layers.Concatenate(axis=1)([x[:, 60:], x[:, :60]]),
        "sorted": lambda: ops.sort(x, axis=1),
        "taken": lambda: ops.take(x, np.arange(LENGTH)[::-1].copy(), axis=1),
        "folded": lambda: layers.Reshape((LENGTH, 1))(layers.Reshape((LENGTH // 2, 2))(x)),
        "stretched": lambda: layers.UpSampling1D(2)(x),
        "shifted branches": lambda: layers.Maximum()([x[:, 40:], x[:, :-40] * 0.0]),
    }[name]()


def planted(keras, name, amount, padding="valid", stride=1, behind="pool"):
    """A network whose one filter finds five ones in a row, and whose logit is what it finds."""
    layers = keras.layers
    series = keras.Input((LENGTH, 1))
    hidden = front(keras, name, series, amount)
    finder = layers.Conv1D(1, MOTIF, padding=padding, strides=stride, activation="relu", name="finder")
    found = finder(hidden)
    finder.set_weights([np.ones((MOTIF, 1, 1), np.float32), np.array([1.5 - MOTIF], np.float32)])
    if behind == "residual":  # the shortcut is the last layer in the order of the model
        shortcut = layers.Conv1D(1, 1, use_bias=False, name="shortcut")
        noise = shortcut(found)
        shortcut.set_weights([np.full((1, 1, 1), -0.2, np.float32)])
        found = layers.ReLU()(layers.Add()([found, noise]))
    elif behind == "gated":
        gate = layers.Reshape((1, 1))(layers.Dense(1, activation="sigmoid")(layers.GlobalMaxPooling1D()(found)))
        found = layers.Multiply()([found, gate])
    scores = layers.Dense(2, name="classes")
    logits = scores(layers.GlobalAveragePooling1D()(found))
    scores.set_weights([np.array([[-20.0, 20.0]], np.float32), np.zeros(2, np.float32)])
    return keras.Model(series, layers.Softmax()(logits))


def explained(model, places):
    """The maps of every method that the file of the model says applies."""
    features = archive.features(json.loads(model.to_json()), "model")
    inputs = np.random.default_rng(0).uniform(0, 0.3, (len(places), LENGTH, 1)).astype(np.float32)
    for one, place in zip(inputs, places, strict=True):
        one[place - 2 : place + 3] = 1
    explained_model, targets = ExplainedModel(model), np.ones(len(places), int)
    maps = {}
    for name in METHODS:
        method = plugins.load("explain")[name]
        if set(method.SPEC.requires) <= set(features):
            maps[name] = method.explain(explained_model, inputs, targets, np.random.default_rng(0))[..., 0]
    return maps, explained_model


@settings(derandomize=True, max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(
    name=st.sampled_from(KNOWN),
    amount=st.integers(4, 50),
    padding=st.sampled_from(["valid", "same", "causal"]),
    stride=st.integers(1, 3),
    behind=st.sampled_from(["pool", "residual", "gated"]),
)
def test_maps_peak_at_the_motif(keras, name, amount, padding, stride, behind):
    places = np.array([62, 77, 104])
    maps, model = explained(planted(keras, name, amount, padding, stride, behind), places)
    assert set(maps) == set(METHODS)
    for method, found in maps.items():
        assert (np.abs(found.argmax(1) - places) <= MOTIF // 2 + stride).all(), (method, found.argmax(1))
    seen = coverage(model.places.fields[model.places.ends[-1]].place.spans)
    assert all((found[:, ~seen] == 0).all() for found in maps.values())


@pytest.mark.parametrize("name", UNKNOWN)
def test_maps_of_an_unknown_place_are_left_out_at_planning(keras, name):
    features = archive.features(json.loads(planted(keras, name, 10).to_json()), "model")
    assert not {"conv", "gap"} & set(features)


def spelled(keras, how):
    """The same function, written in several ways, in one block without and one with branches."""
    layers = keras.layers
    series = keras.Input((20, 2))
    convolution = layers.Conv1D(3, 3, padding="same", activation="relu" if how == "inside" else None, name="first")
    hidden = convolution(series)
    relu = layers.ReLU()
    if how == "norm":
        hidden = layers.BatchNormalization(epsilon=0.0)(hidden)
    if how != "inside":
        hidden = keras.ops.relu(hidden) if how == "operation" else relu(hidden)
    both = [layers.Conv1D(3, size, padding="same", name=f"branch_{size}")(hidden) for size in (1, 3)]
    hidden = layers.Add()(both)
    hidden = keras.ops.maximum(hidden, 0.0) if how == "operation" else relu(hidden)
    return keras.Model(series, layers.Dense(3, name="classes")(layers.GlobalAveragePooling1D()(hidden)))


def test_respelled_activations_give_the_same_maps(keras, rng):
    x, targets = rng.normal(size=(3, 20, 2)).astype(np.float32), np.arange(3)
    models = {how: spelled(keras, how) for how in ("inside", "layer", "norm", "operation")}
    for name in ("first", "branch_1", "branch_3", "classes"):
        layer = models["inside"].get_layer(name)
        weights = [rng.normal(size=one.shape) for one in layer.get_weights()]
        for model in models.values():
            model.get_layer(name).set_weights(weights)
    for layer in ("first", "last"):
        maps = {how: explain(model, x, targets, layer) for how, model in models.items()}
        assert np.abs(maps["inside"]).max() > 0
        for found in maps.values():
            np.testing.assert_allclose(found, maps["inside"], rtol=1e-3, atol=1e-5)


def explain(model, x, targets, layer):
    return plugins.load("explain")["grad_cam"].explain(
        ExplainedModel(model), x, targets, np.random.default_rng(0), layer=layer, relu=False
    )


def test_channels_first_is_the_same_map(keras, rng):
    layers = keras.layers
    series = keras.Input((30, 4))
    plain = layers.Conv1D(2, 5, padding="same", activation="relu", name="conv")
    scores = layers.Dense(3, name="classes")
    model = keras.Model(series, scores(layers.GlobalAveragePooling1D()(plain(series))))
    first = layers.Conv1D(2, 5, padding="same", activation="relu", data_format="channels_first", name="conv")
    hidden = first(layers.Permute((2, 1))(series))
    turned = keras.Model(
        series, layers.Dense(3, name="classes")(layers.GlobalAveragePooling1D(data_format="channels_first")(hidden))
    )
    turned.set_weights(model.get_weights())
    x, targets = rng.normal(size=(3, 30, 4)).astype(np.float32), np.arange(3)
    for method in METHODS:
        one, other = (
            plugins.load("explain")[method].explain(ExplainedModel(each), x, targets, np.random.default_rng(0))
            for each in (model, turned)
        )
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    units = np.array([0, 1, 1])
    np.testing.assert_allclose(
        ExplainedModel(model).filter_gradient(x, units, "conv")[1],
        ExplainedModel(turned).filter_gradient(x, units, "conv")[1],
        rtol=1e-4,
        atol=1e-6,
    )


def test_a_file_says_the_same_of_a_graph_as_the_model(keras):
    for name in (*KNOWN, *UNKNOWN):
        model = planted(keras, name, 10, behind="gated")
        live = Places(flatten(model), (LENGTH,))
        read = Places(config_graph.nodes(json.loads(model.to_json())), (LENGTH,))
        for what in (live, read):
            assert [what.address(index) for index in what.ends] == [live.address(index) for index in live.ends]
        assert live.addresses.keys() == read.addresses.keys()
        assert {a: live.fields[i] for a, i in live.addresses.items()} == {
            a: read.fields[i] for a, i in read.addresses.items()
        }


def test_an_encoder_used_on_both_halves_has_no_map_of_everything(keras):
    layers = keras.layers
    encoder = keras.Sequential([layers.Input((15, 1)), layers.Conv1D(4, 3, activation="relu")])
    series = keras.Input((30, 1))
    joined = layers.Concatenate()([layers.Flatten()(encoder(part)) for part in (series[:, :15], series[:, 15:])])
    model = keras.Model(series, layers.Dense(3, activation="softmax")(joined))
    assert "conv" not in archive.features(json.loads(model.to_json()), "model")
