"""The examples that costly scores take."""

import numpy as np
import pytest

from pellucid.config.schema_errors import parameters_schema, problems
from pellucid.parameters import Parameter, schemas
from pellucid.score.shared.subset import ExampleCount, first_of_each, scatter_to_all


def test_takes_the_first_of_each_class():
    labels = np.array([2, 0, 2, 2, 1, 0, 0])
    np.testing.assert_array_equal(first_of_each(labels, 1), [0, 1, 4])
    np.testing.assert_array_equal(first_of_each(labels, 2), [0, 1, 2, 4, 5])
    np.testing.assert_array_equal(first_of_each(labels, "all"), np.arange(7))
    assert len(first_of_each(labels[:0], 2)) == 0


def test_the_others_have_no_value():
    found = scatter_to_all(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0, 2]), 4)
    np.testing.assert_array_equal(found, [[1, 2], [np.nan] * 2, [3, 4], [np.nan] * 2])


@pytest.mark.parametrize(("given", "right"), [(1, True), ("all", True), (0, False), ("some", False)])
def test_the_parameter_takes_numbers_and_all(given, right):
    schema = parameters_schema(schemas({"examples": Parameter(ExampleCount, 2)}))
    assert (not problems({"examples": given}, schema, "scores.x")) is right
