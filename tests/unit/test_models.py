"""Architectures against the parameter counts that were published for them."""

import pytest

from pellucid import plugins
from pellucid.errors import InputError


@pytest.mark.parametrize(
    ("name", "shape", "classes", "parameters"),
    [
        ("heartbeat_cnn", (186, 1), 5, 121_053),
        ("digit_cnn", (28, 28, 1), 10, 1_199_882),
        # 543,404 up to the Dense 300, and its 6 classes.
        ("multivariate_cnn", (300, 9), 6, 543_404 + 300 * 6 + 6),
    ],
)
def test_has_the_published_number_of_parameters(keras, name, shape, classes, parameters):
    assert plugins.load("models")[name].build(shape, classes).count_params() == parameters


def test_multivariate_counts_543404_up_to_its_dense_300(keras):
    model = plugins.load("models")["multivariate_cnn"].build((300, 9), 6)
    assert model.get_layer("dense_1").units == 300
    assert model.count_params() - model.get_layer("classes").count_params() == 543_404


@pytest.mark.parametrize(
    ("name", "smallest"), [("heartbeat_cnn", (12, 2)), ("multivariate_cnn", (73, 1)), ("digit_cnn", (6, 6, 3))]
)
def test_adapts_down_to_its_smallest_input_and_refuses_a_smaller_one(keras, name, smallest):
    build = plugins.load("models")[name].build
    assert build(smallest, 3).output_shape == (None, 3)
    with pytest.raises(InputError, match=f"model {name}.*at least {smallest[0]} along every axis"):
        build((smallest[0] - 1, *smallest[1:]), 3)


def test_every_architecture_declares_what_it_takes():
    for name, module in plugins.load("models").items():
        assert set(module.SPEC.kinds) <= {"series", "image"}, name
        assert module.SPEC.title, name
        assert module.SPEC.source, name
