"""Columns of a table that are probably no signal are told, and ordinary tables are not."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.datasets import table
from pellucid.errors import InputError

# What stands in a column beside the signal, of the row's number, its class and a number of rows for each example.
DOUBTFUL = {
    "numbers in steps": (lambda row, kind, rows: 100 * row + 7, "rises by 100 from row to row"),
    "times": (lambda row, kind, rows: 0.25 * (row % rows), "counts from 0 again and again.*long format"),
    "copy of the label": (lambda row, kind, rows: 5 - 2 * kind, "has one value for each class"),
    "missing": (lambda row, kind, rows: -999 if row % 5 == 2 else 0.5, "The value -999 occurs .* times"),
}


def loaded(folder, cells, labels, sep=","):
    """The notes about a table of columns (N, columns), and the signal."""
    path = folder / "t.csv"
    header = sep.join([*(f"c{column}" for column in range(len(cells[0]))), "label"])
    rows = [sep.join([*map(str, row), str(label)]) for row, label in zip(cells, labels, strict=True)]
    path.write_text("\n".join([header, *rows]))
    data = table.load({"file": path}, np.random.default_rng(0))
    return data.notes, data.train.x[:, :, 0]


@given(
    st.integers(0, 2**32 - 1),
    st.integers(15, 40),
    st.integers(3, 6),
    st.sampled_from(["ab", "01", "abc"]),
    st.sampled_from([None, *DOUBTFUL]),
    st.integers(3, 5),
)
@settings(max_examples=40, deadline=None)
def test_a_doubtful_column_is_told_and_no_other(tmp_path_factory, seed, rows, columns, kinds, doubt, times):
    rng = np.random.default_rng(seed)
    cells = rng.normal(size=(rows, columns))
    classes = rng.permutation(np.arange(rows) % len(kinds))
    if doubt is not None:
        value, _ = DOUBTFUL[doubt]
        at = rng.integers(columns)
        cells[:, at] = [value(row, int(classes[row]), times) for row in range(rows)]
    notes, x = loaded(tmp_path_factory.mktemp("table"), cells.tolist(), [kinds[number] for number in classes])
    np.testing.assert_allclose(x, cells, rtol=1e-6)
    if doubt is None:
        assert notes == ()
    else:
        (note,) = notes
        assert re.search(DOUBTFUL[doubt][1], note)
        assert doubt == "missing" or f"column {at + 1} (c{at})" in note


@given(st.integers(0, 2**32 - 1), st.integers(3, 5))
@settings(max_examples=10, deadline=None)
def test_a_class_in_columns_of_its_own_is_told(tmp_path_factory, seed, classes):
    """The last of the columns was the label, and the others a signal that tells the class."""
    rng = np.random.default_rng(seed)
    one_hot = np.eye(classes, dtype=int)[np.arange(30) % classes]
    cells = [
        [*values, *kinds] for values, kinds in zip(rng.normal(size=(30, 4)).tolist(), one_hot[:, :-1], strict=True)
    ]
    notes, _ = loaded(tmp_path_factory.mktemp("table"), cells, one_hot[:, -1])
    (note,) = notes
    assert "column 5 (c4), to" in note
    assert "exactly one of these columns" in note


def test_labels_that_may_be_missing_are_told(tmp_path):
    cells = np.random.default_rng(0).normal(size=(20, 3)).tolist()
    notes, _ = loaded(tmp_path, cells, ["a", "b", "NA", "?"] * 5)
    assert notes == (
        '"?", "NA" is a class like the others; if it stands for a missing label, leave its examples out: classes.',
    )


@given(st.lists(st.integers(1, 999_999), min_size=12, max_size=30), st.sampled_from(";\t"))
@settings(max_examples=30, deadline=None)
def test_points_between_thousands_are_no_decimal_points(tmp_path_factory, numbers, sep):
    """1.500 below 500 is 1500: it was read as 1.5."""
    folder, labels = tmp_path_factory.mktemp("table"), [0, 1] * len(numbers)
    numbers = [500, 1500, *numbers]
    written = [[f"{number:,}".replace(",", "."), "2"] for number in numbers]
    with pytest.raises(InputError, match="whose point may separate thousands|may be a decimal sign"):
        loaded(folder, written, labels[: len(written)], sep)
    decimals = [[f"{number / 1000:.3f}", "2"] for number in numbers]
    _, x = loaded(folder, decimals, labels[: len(decimals)], sep)
    np.testing.assert_allclose(x[:, 0], np.array(numbers) / 1000, rtol=1e-6)
