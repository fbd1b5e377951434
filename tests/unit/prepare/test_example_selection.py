"""Which examples are explained, and for which class."""

import numpy as np
import pytest

from pellucid.prepare.example_selection import choose_indices
from pellucid.prepare.explained_targets import targets

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1])
# Examples 0, 1, 4 and 5 are right; confidence falls from 0.95 on.
P = np.array([[0.95, 0.05], [0.9, 0.1], [0.15, 0.85], [0.2, 0.8], [0.25, 0.75], [0.3, 0.7], [0.65, 0.35], [0.6, 0.4]])


@pytest.mark.parametrize(
    ("choose", "expected"),
    [
        ("correct", {0, 1, 4, 5}),
        ("wrong", {2, 3, 6, 7}),
        ("most_confident", {0, 1, 4, 5}),
        ("least_confident", {2, 3, 6, 7}),
    ],
)
def test_takes_what_was_asked_for(rng, choose, expected):
    found = choose_indices(LABELS, P, 2, choose, rng)
    assert set(found.tolist()) == expected
    np.testing.assert_array_equal(LABELS[found], [0, 0, 1, 1])


def test_most_confident_is_in_order(rng):
    np.testing.assert_array_equal(choose_indices(LABELS, P, 3, "most_confident", rng), [0, 1, 2, 4, 5, 6])


def test_any_is_drawn_from_all(rng):
    seen = {int(i) for _ in range(60) for i in choose_indices(LABELS, P, 1, "any", rng)}
    assert seen == set(range(8))


def test_a_class_with_too_few_gives_what_it_has(rng):
    assert len(choose_indices(LABELS, P, 3, "correct", rng)) == 4


def test_targets():
    classes = ["left", "right"]
    np.testing.assert_array_equal(targets("true", classes, LABELS, P), LABELS)
    np.testing.assert_array_equal(targets("predicted", classes, LABELS, P), P.argmax(1))
    np.testing.assert_array_equal(targets("right", classes, LABELS, P), np.ones(8))


def test_a_class_that_is_called_like_a_keyword_is_a_class_where_it_is_named_as_one(caplog):
    classes = ["predicted", "true", "3"]
    with caplog.at_level("INFO", "pellucid"):
        np.testing.assert_array_equal(targets("true", classes, LABELS, P), LABELS)
    assert "{class: true}" in caplog.text
    np.testing.assert_array_equal(targets({"class": "true"}, classes, LABELS, P), np.ones(8))
    np.testing.assert_array_equal(targets({"class": 3}, classes, LABELS, P), np.full(8, 2))
