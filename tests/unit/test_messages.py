"""Words that messages share."""

import numpy as np
import pytest

from pellucid.messages import counted, first_line, format_shape


@pytest.mark.parametrize(
    ("sizes", "text"), [((28, 28, 1), "28 × 28 × 1"), ((None, 9), "? × 9"), (np.array([7]), "7"), ((), "")]
)
def test_times(sizes, text):
    assert format_shape(sizes) == text


@pytest.mark.parametrize(
    ("number", "word", "text"),
    [(1, "example", "1 example"), (2000, "test example", "2,000 test examples"), (0, "class", "0 classes")],
)
def test_counted(number, word, text):
    assert counted(number, word) == text


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("one\ntwo"), "one"),
        (ValueError("\n  \n one \ntwo"), "one"),
        (AssertionError(), "AssertionError"),
        (KeyError("key"), "'key'"),
    ],
)
def test_first_line(error, line):
    assert first_line(error) == line
