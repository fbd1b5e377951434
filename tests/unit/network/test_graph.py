"""The graph of a model against the connections that its making spells out."""

import numpy as np
import pytest

from pellucid.network.graph import flatten


@pytest.fixture(scope="module")
def nested(keras):
    layers = keras.layers
    inner_input = keras.Input((8, 8, 4))
    left, right = (
        layers.Conv2D(4, 3, padding="same", name="left")(inner_input),
        layers.Conv2D(4, 1, name="right")(inner_input),
    )
    inner = keras.Model(inner_input, layers.Add(name="meet")([left, right]), name="inner")
    twice = keras.Sequential([layers.Input((8, 8, 4)), layers.Conv2D(4, 3, padding="same", name="again")], name="twice")
    inputs = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(4, 1, name="stem")(inputs)
    x = twice(twice(inner(x)))
    return keras.Model(inputs, layers.Dense(3, name="classes")(layers.Flatten(name="flat")(x)))


def test_nested_models_are_walked_in_and_connections_lead_to_their_layers(nested):
    nodes = flatten(nested)
    found = [(node.name, [nodes[index].name for index in node.inputs], node.within) for node in nodes]
    assert [one for one in found if one[0] in ("image", "stem", "meet", "flat", "classes")] == [
        ("image", [], ()),
        ("stem", ["image"], ()),
        ("meet", ["left", "right"], ("inner",)),
        ("flat", ["again"], ()),
        ("classes", ["flat"], ()),
    ]
    assert ("left", ["stem"], ("inner",)) in found
    assert [one[1] for one in found if one[0] == "again"] == [["meet"], ["again"]]
    assert [node.name for node in nodes if node.container] == ["inner", "twice", "twice"]
    assert all(source < place for place, node in enumerate(nodes) for source in node.inputs)


def test_shapes_are_those_that_keras_computes(nested, rng):
    shapes = {node.name: node.shape for node in flatten(nested)}
    assert shapes["image"] == (8, 8, 1)
    assert shapes["again"] == shapes["inner"] == (8, 8, 4)
    assert shapes["classes"] == nested(rng.random((1, 8, 8, 1), np.float32)).shape[1:]
