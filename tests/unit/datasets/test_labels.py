"""Labels become classes as they are written."""

import numpy as np
import pytest

from pellucid.datasets.readers.labels import encode, group_names
from pellucid.errors import InputError


def classes(*texts, test=None, **parameters):
    parts = {"train": np.array([*texts] * 4, object)} | ({"test": np.array(test, object)} if test else {})
    return encode(parts, "file", **parameters)


DIFFERENT = [
    ("1_1", "11", "11_2", "1_12"),
    ("01", "1"),
    ("1e1", "10"),
    ("٣", "3"),
    ("²", "2"),
    ("--3", "3"),
    ("F", "f"),
    ("True", "true"),
    ("nan", "inf"),
    ("1", "1.0"),
    ("+1", "1", "-1"),
    ("a", "a\0"),
    ("1" * 5000, "2"),
]


@pytest.mark.parametrize("texts", DIFFERENT, ids=lambda texts: texts[0][:4])
def test_different_texts_are_different_classes(texts):
    found = classes(*texts)
    assert [found.classes[number] for number in found.numbers["train"]] == [*texts] * 4


@pytest.mark.parametrize("texts", [("F", "f"), ("1", "01"), ("1", "1.0"), ("10", "1e1"), ("2", "²")])
def test_classes_that_look_alike_are_told_unless_they_are_one(texts):
    (note,) = classes(*texts).notes
    assert all(f'"{text}"' in note for text in texts)
    names = dict.fromkeys(texts, "one") | {"other": "other"}
    assert classes(*texts, "other", class_names=names).notes == ()


def test_blanks_around_a_label_do_not_count_and_are_told_where_it_matters():
    assert classes(" a", " b").notes == ()
    found = classes("a", " a", "b ")
    assert found.classes == ("a", "b")
    assert len(found.notes) == 1


@pytest.mark.parametrize("written", [("1.0", "2.0"), ("1.000e+00", "2.000e+00"), ("1.", "2.")])
def test_whole_numbers_that_are_kept_as_floats(written):
    found = classes(*written, test=["2", "1"])
    assert found.classes == ("1", "2")
    assert found.numbers["test"].tolist() == [1, 0]
    assert len(found.notes) == 1
    assert classes("1", "2", test=[written[1], "1"]).numbers["test"].tolist() == [1, 0]


def test_a_test_label_of_another_text_is_refused():
    with pytest.raises(InputError, match='test: no training example has the label "01"'):
        classes("1", "2", test=["01"])


@pytest.mark.parametrize("missing", ["nan", "", " ", "inf"])
def test_a_missing_label_among_numbers_is_no_class(missing):
    with pytest.raises(InputError, match="example 3 has no label"):
        classes("1", "2", missing)


def test_fractions_are_refused_unless_each_has_a_name():
    with pytest.raises(InputError, match="measurements"):
        classes("1.1", "1.2")
    assert classes("1.1", "1.2", class_names={"1.1": "a", "1.2": "b"}).classes == ("a", "b")
    assert classes("1.1", "1.2", class_names=["a", "b"]).classes == ("a", "b")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([1.0, 2.0]), ("1", "2")),
        (np.array([1, 2], np.uint8), ("1", "2")),
        (np.array([True, False]), ("True", "False")),
        (np.array(["é".encode(), b"b"]), ("é", "b")),
        (np.array(["2020-01-02", "2020-01-01"], "M8[D]"), ("2020-01-02", "2020-01-01")),
    ],
)
def test_types_that_name_classes_and_groups(values, expected):
    found = encode({"train": np.tile(values, 4)}, "file")
    assert [found.classes[number] for number in found.numbers["train"][:2]] == list(expected)
    assert group_names(values, "file").tolist() == list(expected)


@pytest.mark.parametrize(
    "values",
    [np.array([1j, 2]), np.array(["2020", "2021"], "M8[s]"), np.zeros(2, [("a", int)]), np.array([b"\xe9", b"a"])],
)
def test_other_types_are_refused(values):
    with pytest.raises(InputError, match="file"):
        encode({"train": values}, "file")
    with pytest.raises(InputError, match="file"):
        group_names(values, "file")


def test_groups_that_are_floats_in_one_file_alone():
    assert group_names(np.array(["12", "7"], object), "file").tolist() == ["12", "7"]
    assert group_names(np.array([12.0, 7.0]), "file").tolist() == ["12", "7"]
    assert group_names(np.array(["12.0", " 7.0"], object), "file").tolist() == ["12", "7"]
    assert group_names(np.array(["12.0", "12"], object), "file").tolist() == ["12.0", "12"]
