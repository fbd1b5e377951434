"""Tables of several labels and of values: what is read, and that nothing else is taken for them."""

import re

import numpy as np
import pandas as pd
import pytest

from pellucid import plugins
from pellucid.datasets import table
from pellucid.errors import InputError

LABELS = {"task": "multi_label", "labels": ["MI", "AF"]}
WORDS = {"task": "multi_label", "label": "codes", "label_separator": ";"}
VALUES = {"task": "regression", "values": ["age", "weight"]}
X = np.arange(12.0).reshape(4, 3)
Y = np.array([[0, 1], [1, 1], [0, 0], [1, 0]])


def read(folder, content, name="data.csv", **parameters):
    path = folder / name
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    elif name.endswith(".npz"):
        np.savez(path, **content)
    elif name.endswith(".npy"):
        np.save(path, content)
    else:
        content.to_parquet(path)
    return table.load({"file": path}, np.random.default_rng(0), **parameters)


def csv(columns, rows):
    return "\n".join([",".join(["a", "b", *columns]), *(f"{row},{row + 1},{cells}" for row, cells in enumerate(rows))])


def test_labels_are_the_columns_in_the_order_that_they_are_named_in(tmp_path):
    raw = read(tmp_path, csv(["AF", "MI"], ["1,0", "1,1", "0,0"]), **LABELS)
    assert (raw.task, raw.classes, raw.train.x.shape) == ("multi_label", ("MI", "AF"), (3, 2, 1))
    assert raw.train.y.dtype == np.uint8
    np.testing.assert_array_equal(raw.train.y, [[0, 1], [1, 1], [0, 0]])


def test_a_pattern_names_columns_and_class_names_rename_them(tmp_path):
    text = csv(["is_AF", "is_MI"], ["1,0", "0,1"])
    raw = read(tmp_path, text, task="multi_label", labels=["is_*"], class_names={"is_AF": "fibrillation"})
    assert raw.classes == ("fibrillation", "is_MI")
    assert raw.train.x.shape == (2, 2, 1)


@pytest.mark.parametrize(("separator", "file"), [(";", "AF;MI,,MI"), ("|", "AF|MI,,MI"), (" + ", "AF + MI,, MI ")])
def test_words_of_one_column_are_labels(tmp_path, separator, file):
    text = csv(["codes"], file.split(","))
    raw = read(tmp_path, text, **WORDS | {"label_separator": separator})
    assert raw.classes == ("AF", "MI")
    np.testing.assert_array_equal(raw.train.y, [[1, 1], [0, 0], [0, 1]])


def test_only_the_words_that_are_named_are_labels_and_the_others_are_told(tmp_path):
    raw = read(tmp_path, csv(["codes"], ["AF;MI", "X;Y", "MI"]), **WORDS, labels=["MI", "AF"])
    assert raw.classes == ("MI", "AF")
    np.testing.assert_array_equal(raw.train.y, [[1, 1], [0, 0], [1, 0]])
    assert "2 labels of examples are left out: labels names 2 others." in raw.notes


def test_another_sign_between_the_words_is_told(tmp_path):
    raw = read(tmp_path, csv(["codes"], ["AF|MI", "MI", ""]), **WORDS)
    assert raw.classes == ("AF|MI", "MI")
    assert 'AF|MI" lists several, ";" is not the sign between them: label_separator.' in raw.notes[-1]
    assert not any("label_separator" in note for note in read(tmp_path, csv(["codes"], ["AF;MI", "MI"]), **WORDS).notes)


def test_a_test_file_has_its_columns_in_any_order(tmp_path):
    (tmp_path / "train.csv").write_text("a,MI,AF\n1,0,1\n2,1,0\n")
    (tmp_path / "test.csv").write_text("AF,a,MI\n1,5,0\n")
    files = {"file": tmp_path / "train.csv", "test": tmp_path / "test.csv"}
    raw = table.load(files, np.random.default_rng(0), **LABELS)
    np.testing.assert_array_equal(raw.test.y, [[0, 1]])
    np.testing.assert_array_equal(raw.test.x, [[[5]]])


def test_several_files_are_one_table(tmp_path):
    (tmp_path / "1.csv").write_text("a,MI,AF\n1,0,1\n2,1,0\n")
    (tmp_path / "2.csv").write_text("a,MI,AF\n3,1,1\n")
    raw = table.load({f"file_{n}": tmp_path / f"{n}.csv" for n in (1, 2)}, np.random.default_rng(0), **LABELS)
    np.testing.assert_array_equal(raw.train.y, [[0, 1], [1, 0], [1, 1]])


def test_files_with_other_numbers_of_labels_are_refused(tmp_path):
    for name, y in (("1.npz", Y), ("2.npz", np.concatenate([Y, Y], 1))):
        np.savez(tmp_path / name, x=X, y=y)
    paths = {"file_1": tmp_path / "1.npz", "file_2": tmp_path / "2.npz"}
    with pytest.raises(
        InputError, match="2.npz, example 1: found 4 labels or values; expected 2, as in the first file"
    ):
        table.load(paths, np.random.default_rng(0), task="multi_label")
    with pytest.raises(InputError, match="found 4 labels; expected 2, as the training examples have"):
        table.load({"file": paths["file_1"], "test": paths["file_2"]}, np.random.default_rng(0), task="multi_label")


def test_a_group_stands_beside_the_labels(tmp_path):
    raw = read(tmp_path, csv(["MI", "AF", "who"], ["1,0,p1", "0,1,p2"]), **LABELS, group="who")
    assert raw.train.group.tolist() == ["p1", "p2"]
    assert raw.train.x.shape == (2, 2, 1)


def test_values_keep_their_numbers_and_units(tmp_path):
    raw = read(tmp_path, csv(["age", "weight"], ["40.5,70", "-1,6e1"]), **VALUES, units=["years", "kg"])
    assert (raw.task, raw.classes, raw.units) == ("regression", ("age", "weight"), ("years", "kg"))
    assert raw.train.y.dtype == np.float32
    np.testing.assert_array_equal(raw.train.y, np.array([[40.5, 70], [-1, 60]], np.float32))


def test_without_names_the_value_is_the_last_column_or_that_of_the_label(tmp_path):
    text = csv(["age", "weight"], ["40,70", "50,80"])
    last = read(tmp_path, text, task="regression")
    named = read(tmp_path, text, task="regression", label="age")
    assert (last.classes, named.classes) == (("weight",), ("age",))
    np.testing.assert_array_equal(named.train.y, [[40], [50]])
    assert named.train.x.shape == (2, 3, 1)


def test_decimal_commas_of_the_whole_file_are_numbers(tmp_path):
    raw = read(tmp_path, "a;b;age\n1,5;2;40,5\n3,0;4;50\n", task="regression")
    np.testing.assert_array_equal(raw.train.y, [[40.5], [50]])


def test_arrays_of_an_archive(tmp_path):
    raw = read(tmp_path, {"x": X, "y": Y}, "a.npz", task="multi_label", class_names=["MI", "AF"])
    np.testing.assert_array_equal(raw.train.y, Y)
    assert raw.classes == ("MI", "AF")
    assert read(tmp_path, {"x": X, "y": Y.astype(bool)}, "a.npz", task="multi_label").classes == ("label 1", "label 2")
    keys = read(tmp_path, {"x": X, "MI": Y[:, 0], "AF": Y[:, 1]}, "a.npz", **LABELS)
    np.testing.assert_array_equal(keys.train.y, Y)
    for values in (X[:, 0], X[:, :2]):
        raw = read(tmp_path, {"x": X, "y": values}, "a.npz", task="regression")
        np.testing.assert_array_equal(raw.train.y, values.reshape(4, -1))
    assert read(tmp_path, {"x": X, "y": X[:, 0]}, "a.npz", task="regression").classes == ("value",)


def test_other_files(tmp_path):
    frame = pd.DataFrame({"a": X[:, 0], "MI": Y[:, 0], "AF": Y[:, 1].astype(bool)})
    np.testing.assert_array_equal(read(tmp_path, frame, "a.parquet", **LABELS).train.y, Y)
    frame = pd.DataFrame({"a": X[:, 0], "age": X[:, 1], "weight": X[:, 2]})
    np.testing.assert_array_equal(read(tmp_path, frame, "a.parquet", **VALUES).train.y, X[:, 1:])
    raw = read(tmp_path, np.concatenate([X, Y], 1), "a.npy", task="multi_label", labels=[4, 5], class_names=["p", "q"])
    np.testing.assert_array_equal(raw.train.y, Y)
    text = "@problemName a\n@univariate true\n@targetlabel true\n@data\n1,2,3:4.5\n4,5,6:-1\n"
    np.testing.assert_array_equal(read(tmp_path, text, "a.ts", task="regression").train.y, [[4.5], [-1]])


def test_without_labels_there_are_none(tmp_path):
    raw = read(tmp_path, "a,b\n1,2\n3,4\n", task="multi_label", label="none")
    assert raw.train.y.tolist() == [-1, -1]
    assert raw.classes == ()


def _labels(cell, row=1):
    cells = ["1,0", "0,1", "1,1"]
    cells[row] = cell
    return csv(["MI", "AF"], cells)


def _values(cell):
    return csv(["age", "weight"], ["40,70", cell, "50,60"])


def _words(cell):
    return csv(["codes"], ["AF;MI", cell, "MI"])


BAD_TABLES = [
    *((_labels(f"0,{cell}"), LABELS, rf"line 3, column 4 \(AF\): found {found}; expected 0 or 1") for cell, found in (
        ("2", "2"), ("-1", "-1"), ("0.5", "0.5"), ("1.001", "1.001"), ("1e3", "1000"), ("", "an empty cell"),
        ("NA", '"NA"'), ("nan", "nan"), ("inf", "inf"), ("yes", '"yes"'), ("True", '"True"'), ("?", r'"\?"'),
        ("0x1", '"0x1"'), ("1_0", '"1_0"'), ("l", '"l"'), ("-", '"-"'), (" ", "an empty cell"), ("None", '"None"'),
    )),
    (_labels("2,0", 0), LABELS, r"line 2, column 3 \(MI\): found 2"),
    (_labels("1", 2), LABELS, "line 4: found 3 cells"),
    *((_values(f"45,{cell}"), VALUES, rf"line 3, column 4 \(weight\): found {found}; expected") for cell, found in (
        ("", "an empty cell"), ("NA", '"NA"'), ("nan", "nan"), ("inf", "inf"), ("-inf", "-inf"), ("80 kg", '"80 kg"'),
        ("1e39", r"1e\+39"), ('"80,5"', '"80,5"'), ('"1,234.5"', '"1,234.5"'), ("80.5.1", '"80.5.1"'), ("٨٠", '"٨٠"'),
        ("1_000", '"1_000"'), ("0x50", '"0x50"'), ("eighty", '"eighty"'), ("80%", '"80%"'), ("--80", '"--80"'),
    )),
    # After the lines that show how the file writes numbers, a point could mark thousands.
    ("a;b;age\n" + "1,5;2;40,5\n" * 30 + "3,0;4;50.5\n", {"task": "regression"}, r'line 32, column 3 \(age\): found "50.5"'),
    *((_words(cell), WORDS, rf'line 3, label: found {found}; expected') for cell, found in (
        ("AF;", '"AF;"'), (";", '";"'), ("AF;;MI", '"AF;;MI"'), ("AF;AF", '"AF;AF"'), ("NA", '"NA"'), ("None", '"None"'),
        ("AF; ", '"AF;"'), ("MI; MI", '"MI; MI"'),
    )),
    (csv(["codes"], ["AF", "AF"]), WORDS, r"labels: found 1 label\(s\); expected two or more"),
    (_words("AF"), WORDS | {"labels": ["MI", "STEMI"]}, 'found no training example with the label "STEMI"'),
    (_labels("0,1"), LABELS | {"labels": ["MI"]}, r"labels: found 1 label\(s\); expected two or more"),
    (_labels("0,1"), LABELS | {"labels": ["MI", "MI"]}, 'labels has the column "MI" twice'),
    (_labels("0,1"), LABELS | {"labels": ["MI", "STEMI"]}, 'labels: found no column "STEMI"'),
    (_labels("0,1"), LABELS | {"labels": ["Q*"]}, r'labels: found no column like "Q\*"'),
    (_labels("0,1"), LABELS | {"group": "MI"}, 'the column "MI" cannot be both one of labels and the label or the group'),
    (_labels("0,1"), LABELS | {"signal": ["a", "MI"]}, 'the column "MI" cannot be both signal and label, group or one of'),
    (_labels("0,1"), LABELS | {"class_names": ["x"]}, "class_names: found 1 names; expected 2"),
    (_labels("0,1"), LABELS | {"class_names": ["x", "x"]}, 'class_names: found "x" twice'),
    (_labels("0,1"), LABELS | {"class_names": {"STEMI": "x"}}, 'class_names: found no column "STEMI"'),
    (_values("45,70"), VALUES | {"units": ["years"]}, "table.units: found 1 units; expected 2"),
    (csv(["t"], ["1700000001", "1700000002"]), {"task": "regression"}, "float32 does not hold them apart"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "parameters", "message"), BAD_TABLES)
def test_a_bad_table_is_refused_with_its_place(tmp_path, text, parameters, message):
    with pytest.raises(InputError, match=message) as told:
        read(tmp_path, text, **parameters)
    assert "data.csv" in str(told.value) or "table." in str(told.value)


BAD_ARRAYS = [
    ({"x": X, "y": Y * 2}, {"task": "multi_label"}, "example 2, array y, column 1: found 2; expected 0 or 1"),
    ({"x": X, "y": Y + 0.5}, {"task": "multi_label"}, "example 1, array y, column 1: found 0.5"),
    ({"x": X, "y": Y[:3]}, {"task": "multi_label"}, r"beside a signal of shape \(4, 3\)"),
    ({"x": X, "y": Y[:, 0]}, {"task": "multi_label"}, r"labels: found 1 label\(s\)"),
    ({"x": X, "y": Y.astype(str)}, {"task": "multi_label"}, "found an array of <U21; expected numbers"),
    ({"x": X, "y": Y[:, :, None]}, {"task": "multi_label"}, r"expected the shape \(4,\) or \(4, outputs\)"),
    ({"x": X, "y": Y}, {"task": "multi_label", "class_names": ["a"]}, "class_names: found 1 names"),
    ({"x": X, "y": np.where(X > 5, np.nan, X)}, {"task": "regression"}, "example 3, array y, column 1: found nan"),
    ({"x": X, "y": np.where(X > 5, np.inf, X)}, {"task": "regression"}, "found inf; expected a finite number"),
    ({"x": X, "y": X[:, 0] * 1e39}, {"task": "regression"}, r"found 3e\+39; expected at most 3e38"),
    ({"x": X, "y": X[:, 0] + 0j}, {"task": "regression"}, "found an array of complex128"),
    ({"x": X, "MI": Y[:, 0]}, LABELS, 'labels: found no array "AF"'),
    ({"x": X, "MI": Y[:, 0], "AF": Y}, LABELS, r"expected the shape \(4,\)"),
]


@pytest.mark.parametrize(("arrays", "parameters", "message"), BAD_ARRAYS)
def test_bad_arrays_are_refused_with_their_place(tmp_path, arrays, parameters, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, arrays, "a.npz", **parameters)


BAD_PARAMETERS = [
    (
        {"labels": ["a", "b"]},
        "table.labels: found a value, and task: single_label; expected none, or task: multi_label",
    ),
    ({"units": ["mV"], "task": "multi_label", "labels": ["a", "b"]}, "expected none, or task: regression"),
    ({"values": ["a"], "task": "multi_label", "labels": ["a", "b"]}, "table.values"),
    ({"label_separator": ";", "task": "regression"}, "table.label_separator"),
    ({"task": "multi_label"}, "table.labels: found nothing, and task: multi_label"),
    ({"task": "multi_label", "labels": ["a", "b"], "label": "c"}, "table.label: found a column, and labels"),
    ({"task": "regression", "values": ["a"], "label": "c"}, "table.label: found a column, and values"),
    ({"task": "regression", "classes": ["a"]}, "table.classes"),
    ({"task": "regression", "label": "file"}, "table.label: found file"),
    ({"task": "multi_label", "label_separator": ";", "label": "none"}, "table.label: found none, and label_separator"),
]


@pytest.mark.parametrize(("parameters", "message"), BAD_PARAMETERS)
def test_parameters_of_another_task_are_refused_before_a_file_is_read(parameters, message):
    with pytest.raises(InputError, match=re.escape(message)):
        table.check(**plugins.defaults(table) | {"file": "data.csv"} | parameters)
