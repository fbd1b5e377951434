"""`.ts` and `.arff` files as tables, against aeon's own loaders; and training parts without a test part."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from pellucid.datasets import table, ucr_uea
from pellucid.datasets.readers import arff_file
from pellucid.errors import InputError
from tests.unit.datasets.test_file_list import load


@pytest.fixture(scope="module")
def shipped():
    import aeon

    return Path(aeon.__file__).parent / "datasets" / "data"


@pytest.mark.parametrize("name", ["ArrowHead", "BasicMotions"])
@pytest.mark.parametrize("suffix", [".ts", ".arff"])
def test_a_file_of_an_archive_is_a_table(shipped, name, suffix):
    from aeon.datasets import load_classification

    raw = load(str(shipped / name / f"{name}_TRAIN{suffix}"))
    x, y = load_classification(name, split="train")
    np.testing.assert_allclose(raw.train.x, x.transpose(0, 2, 1), rtol=1e-6)
    assert [raw.classes[number].lower() for number in raw.train.y] == [str(label).lower() for label in y]
    assert raw.test is None


def test_arff_as_aeon_reads_it(shipped):
    from aeon.datasets import load_from_arff_file

    for name in ("ArrowHead", "BasicMotions"):
        path = shipped / name / f"{name}_TRAIN.arff"
        x, y = load_from_arff_file(str(path))
        series, labels = arff_file.read(path)
        np.testing.assert_array_equal(series.x, x.transpose(0, 2, 1))
        np.testing.assert_array_equal(labels, y)


ARFF = "% a comment\n@relation r\n@attribute a1 numeric\n@attribute a2 REAL\n@attribute class {x,y}\n@data\n"


def arff(folder, text):
    (folder / "a.arff").write_text(text)
    return folder / "a.arff"


def test_what_else_an_arff_file_may_hold(tmp_path):
    series, labels = arff_file.read(arff(tmp_path, ARFF + "1,?,'x'\n\n% more\n3,4,y\n"))
    np.testing.assert_array_equal(series.x[:, :, 0], [[1, np.nan], [3, 4]])
    assert labels.tolist() == ["x", "y"]
    series, labels = arff_file.read(arff(tmp_path, ARFF.replace("@attribute class {x,y}\n", "") + "1,2\n3,4\n"))
    assert (series.x.shape, labels) == ((2, 2, 1), None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ARFF + "1,b,x\n", r'a.arff, line 7, channel 1, sample 2: found "b"; expected a number'),
        (ARFF, "found no series"),
        (ARFF.replace("@data", "@dat"), "found no line @data"),
        (ARFF + "{0 1, 2 x}\n", "found a sparse row"),
        (ARFF.replace("numeric", "string") + "1,2,x\n", "line 3: found the attribute"),
        (ARFF.replace("@attribute a1 numeric\n", "@attribute c {p,q}\n") + "p,2,x\n", "attributes in another order"),
    ],
)
def test_what_is_no_file_of_series_is_refused(tmp_path, text, told):
    with pytest.raises(InputError, match=told):
        arff_file.read(arff(tmp_path, text))


def test_series_of_unequal_lengths_go_the_way_of_every_table(tmp_path):
    path = str(arff(tmp_path, ARFF + "1,2,x\n3,y\n5,6,x\n7,8,y\n"))
    with pytest.raises(InputError, match=r"a\.arff, line 8: found a series of 1 samples, where 3 of 4 have 2"):
        load(path)
    assert load(path, lengths="pad").train.x[1, :, 0].tolist() == [3, 0]


def test_columns_cannot_be_named(shipped):
    path = str(shipped / "ArrowHead" / "ArrowHead_TRAIN.ts")
    with pytest.raises(InputError, match="label: found the name of a column; expected none"):
        load(path, label="class")
    assert load(path, label="none").classes == ()


def test_a_ts_file_without_classes(tmp_path):
    path = tmp_path / "a.ts"
    path.write_text("@univariate true\n@classLabel false\n@data\n1,2,3\n4,5,6\n")
    np.testing.assert_array_equal(load(str(path), label="none").train.x[:, :, 0], [[1, 2, 3], [4, 5, 6]])
    with pytest.raises(InputError, match="found no classes"):
        load(str(path))


def test_a_training_part_alone(shipped, tmp_path):
    shutil.copy(shipped / "ArrowHead" / "ArrowHead_TRAIN.ts", tmp_path)
    entry = {"name": "ArrowHead", "folder": str(tmp_path), "mirror": ""}
    with pytest.raises(InputError, match=r"found ArrowHead_TRAIN.ts without ArrowHead_TEST.ts.* parts: train draws"):
        ucr_uea.addresses(**entry, parts="both")
    files = {part: Path(path) for part, path in ucr_uea.addresses(**entry, parts="train").items()}
    raw = ucr_uea.load(files, np.random.default_rng(0), name="ArrowHead", parts="train", classes=["0", "2"])
    assert (raw.train.x.shape, raw.test, raw.classes) == ((24, 251, 1), None, ("0", "2"))
    assert table.READERS.keys() >= {".ts", ".arff"}
