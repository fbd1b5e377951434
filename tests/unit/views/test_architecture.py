"""The table of the layers against Keras' own counts, published numbers, and networks with branches."""

import csv
import io

import numpy as np
import pytest

from pellucid.network.explained_model import ExplainedModel
from pellucid.views.architecture import compute, group, table


@pytest.fixture(scope="module")
def vgg16(keras):
    return keras.applications.VGG16(weights=None)


def test_vgg16_has_its_published_parameters(vgg16, rng):
    found = compute(ExplainedModel(vgg16), None, rng)
    assert found["parameters"].sum() == 138_357_544
    assert found["parameters"][found["names"] == "fc1"] == 102_764_544
    assert "parameters: 138,357,544 (527.79 MiB as 32-bit numbers)" in found["txt"]
    assert list(found["shapes"][[0, 1, -1]]) == ["224 × 224 × 3", "224 × 224 × 64", "1000"]
    assert found["edges"].tolist() == [[index, index + 1] for index in range(22)]


@pytest.mark.parametrize("name", ["heartbeat", "multivariate", "digit"])
def test_counts_are_those_of_keras(request, name, rng):
    model = request.getfixturevalue(name)
    found = compute(ExplainedModel(model), None, rng)
    assert found["parameters"].sum() == model.count_params()
    assert found["trainable"].sum() == sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    lines = []
    model.summary(print_fn=lambda text, **options: lines.append(text))
    for layer in model.layers:
        assert layer.name in "".join(lines)
        assert layer.name in found["txt"]


def test_the_csv_has_a_line_for_each_layer_and_plain_numbers(heartbeat, rng):
    lines = list(csv.DictReader(io.StringIO(compute(ExplainedModel(heartbeat), None, rng)["csv"])))
    assert [line["layer"] for line in lines] == ["input", *(layer.name for layer in heartbeat.layers)]
    assert sum(int(line["parameters"]) for line in lines) == 121_053  # as the article has it
    line = lines[[line["layer"] for line in lines].index("conv_3")]
    assert line == {
        "layer": "conv_3", "kind": "Conv1D", "output shape": "88 × 64", "parameters": "6208", "trainable": "6208",
        "receptive field": "12", "stride": "2", "connected to": "norm_2",
    }  # fmt: skip
    assert lines[-1]["receptive field"] == "whole input"


def test_branches_nested_models_and_layers_used_twice(keras, rng):
    layers = keras.layers
    inner_input = keras.Input((16, 4))
    inner = keras.Model(inner_input, layers.Conv1D(4, 3, padding="same", name="deep")(inner_input), name="inner")
    inputs = keras.Input((16, 2), name="series")
    stem = layers.Conv1D(4, 5, padding="same", name="stem")(inputs)
    shared = layers.Conv1D(4, 1, name="shared")
    x = layers.Add(name="add")([shared(shared(stem)), inner(stem)])
    model = keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x)))
    rows = table(ExplainedModel(model))
    names = [row.name for row in rows]
    assert sum(row.parameters for row in rows) == model.count_params()
    assert names.count("shared") == 2
    assert "inner" not in names
    add, deep = rows[names.index("add")], rows[names.index("deep")]
    assert [names[index] for index in add.inputs] == ["shared", "deep"]
    assert deep.within == "inner"
    assert add.field == (7,)
    assert "inner/deep" in compute(ExplainedModel(model), None, rng)["txt"]


def test_twice_the_same(digit, rng):
    one, two = (compute(ExplainedModel(digit), None, rng) for _ in range(2))
    assert one["txt"] == two["txt"]
    assert one["csv"] == two["csv"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("SeparableConv1D", "convolution"), ("GlobalAveragePooling2D", "pooling"), ("Dense", "dense"),
        ("MultiHeadAttention", "recurrent or attention"), ("BatchNormalization", "norm, activation, dropout"),
        ("Concatenate", "merge"), ("Flatten", "other"),
    ],
)  # fmt: skip
def test_kinds_have_their_group(kind, name):
    assert group(kind) == name


def test_the_filters_of_a_layer_with_the_channels_first_are_its_channels(keras, rng):
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((2, 30)), layers.Permute((2, 1)), layers.Permute((2, 1)),
         layers.Conv1D(7, 3, data_format="channels_first", name="conv"),
         layers.GlobalAveragePooling1D("channels_first"), layers.Dense(4)]
    )  # fmt: skip
    # As a model of series with the channels first is opened: behind a permutation.
    outer = keras.Sequential([keras.Input((30, 2)), layers.Permute((2, 1)), *model.layers])
    found = compute(ExplainedModel(outer), None, rng)
    at = found["names"].tolist().index("conv")
    assert (found["shapes"][at], found["filters"][at], found["positions"][at]) == ("7 × 28", 7, 28)
    assert (found["filters"][0], found["positions"][0]) == (2, 30)
