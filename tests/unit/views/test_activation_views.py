"""Activations, feature maps and maximal activations against Keras and against what was planted in the inputs."""

import numpy as np
import pytest

from pellucid.draw.shared import heading
from pellucid.errors import InputError
from pellucid.network.explained_model import ExplainedModel
from pellucid.views import activations, feature_maps, maximal_activations
from pellucid.views.base import ViewData
from pellucid.views.shared.maps import about_examples, per_class, small


def chosen(model, shape, each=2, seed=0):
    """Chosen examples of every class, sorted by class."""
    labels = np.repeat(np.arange(model.n_classes), each)
    inputs = np.random.default_rng(seed).random((len(labels), *shape), np.float32)
    p = model.probabilities(inputs)
    data = ViewData({"classes": [f"c{label}" for label in range(model.n_classes)]}, {})
    data.__dict__["examples"] = {
        "inputs": inputs, "labels": labels, "predictions": p.argmax(1), "probabilities": p, "indices": 100 + np.arange(len(labels)),
    }  # fmt: skip
    return data


def layer_output(keras, model, name, x):
    return keras.Model(model.inputs[0], model.get_layer(name).output)(x).numpy()


def test_activations_are_those_of_keras_strongest_first(keras, multivariate, rng):
    model = ExplainedModel(multivariate, batch_size=3)
    data = chosen(model, (100, 6))
    found = activations.compute(model, data, rng, layer="last", shown=5)
    places = [0, 2, 4, 6]
    assert found["indices"].tolist() == [100 + place for place in places]
    whole = layer_output(keras, multivariate, "relu_2", data.examples["inputs"][places])
    order = np.argsort(-np.abs(whole).mean((0, 1)))[:5]
    assert found["filters"].tolist() == order.tolist()
    np.testing.assert_allclose(found["maps"], np.moveaxis(whole[..., order], -1, 1), atol=1e-4)
    np.testing.assert_allclose(found["mean"], whole.mean(1), atol=1e-4)
    np.testing.assert_allclose(found["maximum"], whole.max(1), atol=1e-4)
    for one, (strongest, unit) in zip(whole[..., order], found["units"], strict=True):
        assert one[unit, strongest] == pytest.approx(one.max(), abs=1e-4)
    assert found["field"].tolist() == [[53, 5, 0, 10]]


def test_maps_of_large_images_are_brought_down_and_their_summary_is_not(keras, rng):
    inputs = keras.Input((130, 100, 3))
    conv = keras.layers.Conv2D(4, 3, padding="same", name="conv")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(conv)))
    explained_model = ExplainedModel(model)
    data = chosen(explained_model, (130, 100, 3), each=1)
    found = activations.compute(explained_model, data, rng)
    whole = layer_output(keras, model, "conv", data.examples["inputs"])
    assert found["maps"].shape == (2, 4, 44, 34)  # means over 3 × 3 positions
    np.testing.assert_allclose(found["maps"][1, 0, 2, 5], whole[1, 6:9, 15:18, found["filters"][0]].mean(), atol=1e-5)
    np.testing.assert_allclose(found["maps"][1, 0, -1, 5], whole[1, 129:, 15:18, found["filters"][0]].mean(), atol=1e-5)
    np.testing.assert_allclose(found["maximum"], whole.max((1, 2)), atol=1e-5)
    assert small(np.ones((60, 64, 1), np.float32), 64).shape == (60, 64, 1)


def test_a_layer_without_maps_is_refused(multivariate, rng):
    model = ExplainedModel(multivariate)
    with pytest.raises(
        InputError, match=r"layer dense_1: found an output of shape \(300,\); expected a layer whose output has 2 axes"
    ):
        activations.compute(model, chosen(model, (100, 6)), rng, layer="dense_1")


def test_one_example_per_class_however_many_there_are():
    assert per_class(np.array([2, 0, 0, 2, 1]), 1).tolist() == [1, 4, 0]
    assert per_class(np.array([2, 0, 0, 2, 1]), 5).tolist() == [1, 2, 4, 0, 3]


def test_feature_maps_of_every_convolution(keras, digit, rng):
    model = ExplainedModel(digit)
    data = chosen(model, (8, 8, 1))
    found = feature_maps.compute(model, data, rng, example=3, shown=4)
    assert found["layers"].tolist() == ["conv_1", "conv_2"]
    assert found["n_filters"].tolist() == [32, 64]
    assert found["sizes"].tolist() == [[6, 6], [4, 4]]
    assert found["field"][:, 0].tolist() == [[3, 1, 0, 6], [5, 1, 0, 4]]
    assert found["indices"].tolist() == [103]
    whole = layer_output(keras, digit, "conv_2", data.examples["inputs"][3:4])[0]
    order = np.argsort(-np.abs(whole).mean((0, 1)))[:4]
    assert found["filters_1"].tolist() == order.tolist()
    np.testing.assert_allclose(found["maps_1"], np.moveaxis(whole[..., order], -1, 0), atol=1e-5)


def test_feature_maps_of_named_layers_and_refusals(digit, rng):
    model = ExplainedModel(digit)
    data = chosen(model, (8, 8, 1))
    assert feature_maps.compute(model, data, rng, layers=["pool_1", "first"])["layers"].tolist() == ["pool_1", "conv_1"]
    with pytest.raises(InputError, match="feature_maps.example: found 20; expected at most 19"):
        feature_maps.compute(model, data, rng, example=20)
    with pytest.raises(InputError, match='layer: found "conv_7"'):
        feature_maps.compute(model, data, rng, layers=["conv_7"])


def matched(keras, shapes, length=40):
    """A network whose filter i is the shape i: it answers most where that shape stands in the input."""
    inputs = keras.Input((length, 1))
    conv = keras.layers.Conv1D(len(shapes), shapes.shape[1], use_bias=False, name="conv")
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(conv(inputs))))
    conv.set_weights([shapes.T[:, np.newaxis].astype(np.float32)])
    return model


def searched(x, labels):
    data = ViewData({}, {})
    data.__dict__.update(test=(x, labels), test_measured=None)
    return data


def test_finds_planted_shapes_where_they_stand(keras, rng):
    """Cauchy and Schwarz: of all windows of one size, a filter answers most to the one that looks like it."""
    shapes = np.array([[1, -1, 1, -1], [1, 1, -1, -1]]) / 2.0
    x = rng.normal(0, 0.05, (30, 40, 1)).astype(np.float32)
    planted = {3: (0, 10, 3), 8: (0, 30, 2), 20: (0, 5, 1), 5: (1, 0, 3), 11: (1, 36, 2), 29: (1, 17, 1)}
    for example, (shape, start, size) in planted.items():
        x[example, start : start + 4, 0] = size * shapes[shape]
    model = ExplainedModel(matched(keras, shapes), batch_size=7)
    labels = np.arange(30) % 2
    found = maximal_activations.compute(model, searched(x, labels), rng, order="first", top=3)
    for shape in (0, 1):
        examples = [example for example, (which, _, _) in planted.items() if which == shape]
        assert found["examples"][shape].tolist() == examples
        assert found["labels"][shape].tolist() == [example % 2 for example in examples]
        assert found["starts"][shape, :, 0].tolist() == [planted[example][1] for example in examples]
        for patch, value, example in zip(found["patches"][shape], found["values"][shape], examples, strict=True):
            np.testing.assert_allclose(patch[:, 0], planted[example][2] * shapes[shape], atol=1e-6)
            assert value == pytest.approx(planted[example][2], abs=1e-5)
    assert found["best_example"].tolist() == [3, 5]
    np.testing.assert_array_equal(found["contexts"][1, 2], x[29])


def test_the_search_does_not_depend_on_the_batches_and_takes_what_it_is_told(digit, rng):
    x, labels = rng.random((50, 8, 8, 1), np.float32), np.arange(50) % 10
    one, two, few = (
        maximal_activations.compute(
            ExplainedModel(digit, batch_size=size), searched(x, labels), np.random.default_rng(1), search=search
        )
        for size, search in ((7, 2000), (50, 2000), (50, 20))
    )
    np.testing.assert_array_equal(one["examples"], two["examples"])
    np.testing.assert_array_equal(one["patches"], two["patches"])
    assert (one["searched"], few["searched"]) == (50, 20)
    assert (np.diff(one["values"][:, 0]) <= 0).all()
    assert (np.diff(one["values"], axis=1) <= 0).all()
    # The patch alone makes the activation: valid convolutions see nothing else.
    model = ExplainedModel(digit)
    patch = np.zeros((1, 8, 8, 1), np.float32)
    patch[0, :5, :5] = one["patches"][0, 0]
    np.testing.assert_allclose(
        model.activations(patch, "conv_2")[0, 0, 0, one["filters"][0]], one["values"][0, 0], rtol=1e-4
    )


def test_what_lies_outside_of_the_input_is_empty(keras, rng):
    inputs = keras.Input((6, 6, 1))
    conv = keras.layers.Conv2D(1, 3, padding="same", kernel_initializer="ones", name="conv")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(conv)))
    x = np.zeros((1, 6, 6, 1), np.float32)
    x[0, 0, 5] = 1
    x[0, 0, 4] = x[0, 1, 5] = 0.5
    x[0, 2, 3:] = -1
    found = maximal_activations.compute(ExplainedModel(model), searched(x, np.array([0])), rng)
    assert found["units"][0, 0].tolist() == [0, 4]
    assert found["starts"][0, 0].tolist() == [-1, 3]
    assert np.isnan(found["patches"][0, 0, :, :, 0]).tolist() == [[True] * 3, [False] * 3, [False] * 3]
    np.testing.assert_array_equal(found["patches"][0, 0, 1:, :, 0], x[0, :2, 3:, 0])


@pytest.mark.parametrize("task", ["multi_label", "regression"])
def test_maps_of_labels_and_values_have_what_their_headings_say(task):
    arrays = {
        "inputs": np.zeros((2, 5, 1), np.float32),
        "labels": np.array([1, 0]),
        "predictions": np.array([1, 0]) if task == "multi_label" else np.array([2.5, 4], np.float32),
        "indices": np.arange(2),
        "answers": np.array([[0, 1], [1, 1]], np.uint8 if task == "multi_label" else np.float32),
        "targets": np.array([1, 0]),
    }
    if task == "multi_label":
        arrays["probabilities"] = np.array([[0.2, 0.7], [0.4, 0.1]])
    data = ViewData({"task": task, "classes": ["MI", "age"]}, {})
    data.__dict__["examples"] = arrays
    about = about_examples(data, np.array([0, 1]))
    told = heading.of_example(data.data_info, about, 1)
    assert told == ("label MI: 0.40 (has it, not predicted)" if task == "multi_label" else "MI: 1, predicted 4")
