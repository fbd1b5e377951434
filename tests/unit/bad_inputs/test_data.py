"""Files of data that cannot be used: each ends with one clear message, and leaves nothing half-written."""

import zipfile

import numpy as np
import pytest

from tests.support.good_settings import refuse
from tests.support.prepared import UNCHECKED


def beats(n=40):
    rows = np.random.default_rng(0).random((n, 188)).round(3)
    rows[:, 187] = np.arange(n) % 5
    return rows.astype(str).tolist()


def written(edit):
    """A CSV of heartbeats after `edit` of its rows (lists of text)."""

    def write(folder):
        rows = beats()
        edit(rows)
        (folder / "train.csv").write_text("".join(",".join(row) + "\n" for row in rows))
        (folder / "test.csv").write_text("".join(",".join(row) + "\n" for row in beats()))

    return write


def cell(row, column, text):
    def edit(rows):
        rows[row][column] = text

    return written(edit)


def text(content):
    def write(folder):
        written(lambda rows: None)(folder)
        (folder / "train.csv").write_text(content)

    return write


def one_class(rows):
    for row in rows:
        row[187] = "2"


def too_few(rows):
    rows[:] = [row for row in rows if row[187] != "3.0"] + [rows[3]]


HEARTBEATS = [
    ("cell that is text", cell(2, 5, "abc"), "train.csv, line 3, column 6", 'found "abc"; expected a number'),
    ("empty cell", cell(4, 7, ""), "train.csv, line 5, column 8", "expected a finite number"),
    ("NaN", cell(0, 0, "nan"), "train.csv, line 1, column 1", "expected a finite number"),
    ("infinity", cell(9, 186, "inf"), "train.csv, line 10, column 187", "expected a finite number"),
    ("label out of range", cell(6, 187, "5"), "train.csv, line 7, last column: found the label 5", "from 0 to 4"),
    ("label below zero", cell(6, 187, "-1"), "train.csv, line 7, last column: found the label -1", "from 0 to 4"),
    ("label between two", cell(6, 187, "1.5"), "train.csv, line 7, last column: found the label 1.5", "a whole number"),
    (
        "header line",
        text("a," * 187 + "b\n" + ",".join(beats()[0])),
        "train.csv, line 1, column 1",
        "expected a number",
    ),
    (
        "too few columns",
        written(lambda rows: [row.pop(0) for row in rows]),
        "rows of 187 columns",
        "rows of 188 columns",
    ),
    (
        "row cut off",
        written(lambda rows: rows[-1].__delitem__(slice(50, None))),
        "line 40: found 50 columns",
        "expected 188",
    ),
    ("row too long", written(lambda rows: rows[7].append("1")), "line 8: found 189 columns", "expected 188"),
    ("empty file", text(""), "found an empty file", "rows of 188 numbers"),
    (
        "not text at all",
        lambda f: (text("")(f), (f / "train.csv").write_bytes(b"\x89PNG\r\n\xff\xfe" * 40)),
        "train.csv",
        "",
    ),
    ("one class alone", written(one_class), "mitbih, train: found examples of one class", "at least two classes"),
    (
        "class of one example",
        written(too_few),
        'found 1 example(s) of class "F"',
        "at least 2 of each class, one for each of training",
    ),
]


@pytest.mark.parametrize(
    ("write", "first", "then"), [row[1:] for row in HEARTBEATS], ids=[row[0] for row in HEARTBEATS]
)
def test_heartbeats(tmp_path, write, first, then):
    write(tmp_path)
    paths = {name: str(tmp_path / f"{name}.csv") for name in ("train", "test")}
    refuse(tmp_path, {"source": "mitbih", **UNCHECKED, **paths}, paths, first, then)


def test_a_wrong_checksum(tmp_path):
    written(lambda rows: None)(tmp_path)
    paths = {name: str(tmp_path / f"{name}.csv") for name in ("train", "test")}
    dataset = {"source": "mitbih", **paths, **UNCHECKED, "test_sha256": "0" * 64}
    refuse(tmp_path, dataset, paths, "test.csv: found a file of", "expected SHA-256 " + "0" * 64)


def archive(**arrays):
    images, labels = np.zeros((20, 28, 28), np.uint8), np.arange(20) % 10
    good = {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}
    return lambda path: np.savez(
        path, **{name: value for name, value in {**good, **arrays}.items() if value is not None}
    )


def pickled(path):
    np.savez(path, x_train=np.array([{}], object))


MNIST = [
    (
        "no archive",
        lambda path: path.write_text("hello"),
        "mnist.npz: found a file that cannot be read",
        "an .npz archive",
    ),
    (
        "archive cut off",
        lambda path: (archive()(path), path.write_bytes(path.read_bytes()[:3000])),
        "cannot be read",
        "",
    ),
    (
        "zip of other things",
        lambda path: zipfile.ZipFile(path, "w").close(),
        "found no array x_train, y_train",
        "x_test",
    ),
    ("pickled objects", pickled, "cannot be read", "plain arrays"),
    ("an array is missing", archive(y_test=None), "mnist.npz: found no array y_test", "expected the arrays"),
    ("floats for images", archive(x_test=np.zeros((20, 28, 28))), "mnist.npz, test: found images float64", "uint8"),
    ("labels and images differ", archive(y_train=np.zeros(3, int)), "train: found images", "labels (N,)"),
    (
        "a part without examples",
        archive(x_test=np.zeros((0, 28, 28), np.uint8), y_test=np.zeros(0, int)),
        "mnist.npz, test: found no examples",
        "expected at least one",
    ),
    ("a label out of range", archive(y_train=np.arange(20)), "train: found labels int64 from 0 to 19", "from 0 to 9"),
]


@pytest.mark.parametrize(("write", "first", "then"), [row[1:] for row in MNIST], ids=[row[0] for row in MNIST])
def test_mnist(tmp_path, write, first, then):
    path = tmp_path / "mnist.npz"
    write(path)
    refuse(tmp_path, {"source": "mnist", "file": str(path), "file_sha256": "none"}, {"file": str(path)}, first, then)
