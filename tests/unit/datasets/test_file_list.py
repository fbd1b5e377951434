"""A table in several files: each file a class, or parts of one table; and what is ambiguous is refused in words."""

import numpy as np
import pytest

from pellucid import plugins
from pellucid.config import named_files
from pellucid.datasets import table
from pellucid.datasets.base import UNLABELLED
from pellucid.errors import InputError
from pellucid.parameters import plain

RNG = np.random.default_rng(0)
NORMAL, ABNORMAL = RNG.random((8, 12)), RNG.random((6, 12))


def write(path, rows, last=None, header=None):
    path.parent.mkdir(exist_ok=True)
    rows = rows if last is None else np.column_stack([rows, np.full(len(rows), last)])
    np.savetxt(path, rows, delimiter=",", header=header or "", comments="")
    return str(path)


def load(file, **changes):
    """Load as the workflow does: defaults filled in, refused before reading, files found by the hook."""
    entry = plugins.defaults(table) | {"file": file} | {key: plain(value) for key, value in changes.items()}
    table.check(**entry)
    paths = {name: named_files.local_path(path) for name, path in table.addresses(**entry).items()}
    parameters = {name: value for name, value in entry.items() if name not in table.SPEC.files}
    return table.load(paths, np.random.default_rng(0), **parameters)


@pytest.fixture
def two(tmp_path):
    return [write(tmp_path / "normal.csv", NORMAL), write(tmp_path / "abnormal.csv", ABNORMAL)]


def test_each_file_is_a_class_of_its_name(two, tmp_path):
    raw = load(two, label="file")
    assert raw.classes == ("abnormal", "normal")
    np.testing.assert_allclose(raw.train.x[:, :, 0], np.concatenate([NORMAL, ABNORMAL]), rtol=1e-6)
    assert [raw.classes[number] for number in raw.train.y] == ["normal"] * 8 + ["abnormal"] * 6
    by_pattern = load(str(tmp_path / "*.csv"), label="file")
    assert [by_pattern.classes[number] for number in by_pattern.train.y] == ["abnormal"] * 6 + ["normal"] * 8
    named = load(two, label="file", class_names={"normal": "sinus", "abnormal": "other"})
    assert named.classes == ("other", "sinus")


def test_files_with_a_column_of_labels_as_ptb_has_them(tmp_path):
    files = [write(tmp_path / "ptb_n.csv", NORMAL, last=0.0), write(tmp_path / "ptb_a.csv", ABNORMAL, last=1.0)]
    raw = load(files, class_names=["normal", "abnormal"])
    assert (raw.classes, raw.train.x.shape) == (("normal", "abnormal"), (14, 12, 1))
    assert raw.train.y.tolist() == [0] * 8 + [1] * 6
    assert "Each file has one label: 0 (ptb_n.csv), 1 (ptb_a.csv)." in raw.notes
    # The same files as classes of their names: the label would be a sample of the signal.
    with pytest.raises(
        InputError, match=r"column 13: found 0 in this and every other row, and 1 in every row of ptb_a"
    ):
        load(files, label="file")


def test_a_constant_sample_that_tells_no_class_is_a_signal(tmp_path):
    padded = [write(tmp_path / "a.csv", NORMAL, last=0.0), write(tmp_path / "b.csv", ABNORMAL, last=0.0)]
    assert load(padded, label="file").train.x.shape == (14, 13, 1)


def test_parts_of_one_table(tmp_path):
    labels = np.array([0, 1, 0, 1, 0, 1, 0, 1])
    files = [write(tmp_path / f"{number}.csv", np.column_stack([NORMAL + number, labels])) for number in (1, 2)]
    raw = load(files)
    assert raw.train.y.tolist() == [*labels, *labels]
    assert "The 2 files are parts of one table: the classes are those of its column of labels." in raw.notes


def test_columns_are_matched_by_name_where_the_files_name_them(tmp_path):
    names = [f"s{number}" for number in range(12)]
    first = write(tmp_path / "a.csv", NORMAL, header=",".join(names))
    second = write(tmp_path / "b.csv", ABNORMAL[:, ::-1], header=",".join(names[::-1]))
    raw = load([first, second], label="file")
    np.testing.assert_allclose(raw.train.x[8:, :, 0], ABNORMAL, rtol=1e-6)


def test_places_in_messages_are_those_of_the_file(tmp_path):
    with_gap = ABNORMAL.copy()
    with_gap[2, 4] = np.nan
    files = [write(tmp_path / "a.csv", NORMAL), write(tmp_path / "b.csv", with_gap)]
    with pytest.raises(InputError, match=r"b\.csv, line 3, column 5: found an empty cell or NaN"):
        load(files, label="file")


def _other_header(folder):
    return write(folder / "b.csv", ABNORMAL, header=",".join(f"s{number}" for number in range(12)))


def _empty(folder):
    (folder / "b.csv").write_text("")
    return str(folder / "b.csv")


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (_other_header, r"b\.csv: it has a header, but .*a\.csv has no header"),
        (_empty, r"b\.csv: found an empty file; expected a row for each example"),
        (
            lambda folder: write(folder / "b.csv", ABNORMAL[:, :9]),
            r"a series of .* samples, where .* series of one len",
        ),
        (lambda folder: write(folder / "o" / "a.csv", ABNORMAL), r'both of the class "a"; expected names that differ'),
        (
            lambda folder: write(folder / "b.csv", NORMAL[3:5]),
            r"b\.csv, line 1: found the same example as in .*a\.csv, l",
        ),
        (lambda folder: str(folder / "a.csv"), r'found ".*a\.csv" twice; expected each file once'),
        (lambda folder: str(folder / "*.tsv"), r"found no file like .*\.tsv"),
    ],
)
def test_what_is_ambiguous_is_refused(tmp_path, other, told):
    first = write(tmp_path / "a.csv", NORMAL)
    with pytest.raises(InputError, match=told):
        load([first, other(tmp_path)], label="file")


def test_combinations_that_mean_nothing_are_refused(two, tmp_path):
    for changes, told in (
        ({"label": "file", "test": two[0]}, "found a test file, and label: file"),
        ({"label": "none", "class_names": ["a", "b"]}, "found none, and names of classes"),
        ({"file_sha256": "0" * 64}, "found a checksum, and several files"),
    ):
        with pytest.raises(InputError, match=told):
            table.check(**plugins.defaults(table) | {"file": two} | changes)
    with pytest.raises(InputError, match="found one file, and label: file; expected several"):
        load(two[0], label="file")
    column = write(tmp_path / "c.csv", NORMAL, header=",".join(["file", *(f"s{number}" for number in range(11))]))
    other = write(tmp_path / "d.csv", ABNORMAL, header=",".join(["file", *(f"s{number}" for number in range(11))]))
    with pytest.raises(InputError, match=r"c\.csv, label: found file, which is a column, too"):
        load([column, other], label="file", signal="*")


def test_classes_that_are_left_out_and_joined(tmp_path):
    labels = np.array(["N", "S", "V", "N", "S", "V", "N", "S"])
    path = tmp_path / "a.csv"
    path.write_text(
        "\n".join(",".join([*map(str, row), label]) for row, label in zip(NORMAL, labels, strict=True)) + "\n"
    )
    raw = load(str(path), classes=["N", "V"])
    assert (raw.classes, raw.train.y.tolist()) == (("N", "V"), [0, 1, 0, 1, 0])
    np.testing.assert_allclose(raw.train.x[:, :, 0], NORMAL[labels != "S"], rtol=1e-6)
    assert '3 examples of other classes ("S") are left out.' in raw.notes
    joined = load(str(path), class_names={"N": "normal", "S": "ectopic", "V": "ectopic"}, classes=["ectopic", "normal"])
    assert (joined.classes, np.bincount(joined.train.y).tolist()) == (("normal", "ectopic"), [3, 5])
    with pytest.raises(InputError, match='classes: found no class "Q"; expected some of N, S, V'):
        load(str(path), classes=["N", "Q"])


@pytest.mark.parametrize("suffix", [".csv", ".npy", ".npz", ".parquet"])
def test_examples_without_labels(tmp_path, suffix):
    path = tmp_path / f"ten{suffix}"
    if suffix == ".csv":
        write(path, NORMAL)
    elif suffix == ".npy":
        np.save(path, NORMAL[:, :, np.newaxis])
    elif suffix == ".npz":
        np.savez(path, x=NORMAL)
    else:
        import pandas as pd

        pd.DataFrame(NORMAL, columns=[f"s{number}" for number in range(12)]).to_parquet(path)
    raw = load(str(path), label="none")
    np.testing.assert_allclose(raw.train.x[:, :, 0], NORMAL, rtol=1e-6)
    assert (raw.classes, set(raw.train.y.tolist())) == ((), {UNLABELLED})
    assert not table.labelled(label="none")
    assert table.labelled(label="file")


def test_a_signal_that_is_taken_for_labels_is_told_how_to_say_it(two):
    with pytest.raises(
        InputError, match=r"If each file is one class: label: file. If there are no labels: label: none"
    ):
        load(two)
