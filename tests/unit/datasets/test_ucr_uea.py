"""The archives' sets that ship with aeon, from a folder and from a zip, against aeon's own loaders."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from pellucid import downloads
from pellucid.config import resolution
from pellucid.datasets import ucr_uea
from pellucid.errors import InputError
from tests.support.servers import serving


@pytest.fixture(scope="module")
def shipped():
    import aeon

    return Path(aeon.__file__).parent / "datasets" / "data"


def load(name, folder, **parameters):
    found = ucr_uea.addresses(name=name, folder=str(folder), mirror="", parts="both")
    files = {part: Path(path) for part, path in found.items()}
    return ucr_uea.load(files, np.random.default_rng(0), name=name, **parameters)


# Training and test examples, length, channels and classes as the archives' site lists them.
@pytest.mark.parametrize(
    ("name", "train", "test", "shape", "classes"),
    [("GunPoint", 50, 150, (150, 1), 2), ("ArrowHead", 36, 175, (251, 1), 3), ("BasicMotions", 40, 40, (100, 6), 4)],
)
def test_sets_of_one_length(shipped, name, train, test, shape, classes):
    from aeon.datasets import load_classification

    raw = load(name, shipped)
    assert (raw.train.x.shape, raw.test.x.shape, len(raw.classes)) == ((train, *shape), (test, *shape), classes)
    for part, examples in (("train", raw.train), ("test", raw.test)):
        x, y = load_classification(name, split=part)
        np.testing.assert_array_equal(examples.x.astype(np.float32), x.transpose(0, 2, 1).astype(np.float32))
        assert [raw.classes[label].lower() for label in examples.y] == y.tolist()


def test_classes_are_written_as_in_the_file(shipped):
    assert load("BasicMotions", shipped).classes == ("Badminton", "Running", "Standing", "Walking")
    names = {"1": "gun", "2": "point"}
    assert load("GunPoint", shipped, class_names=names).classes == ("gun", "point")


def test_unequal_lengths(shipped):
    """270 and 370 utterances of 7 to 29 samples, 12 coefficients, 9 speakers (Kudo et al. 1999)."""
    from aeon.datasets import load_japanese_vowels

    padded = load("JapaneseVowels", shipped, lengths="pad")
    assert (padded.train.x.shape, padded.test.x.shape, len(padded.classes)) == ((270, 29, 12), (370, 29, 12), 9)
    for given, kept in zip(load_japanese_vowels(split="test")[0], padded.test.x, strict=True):
        np.testing.assert_array_equal(kept[: given.shape[1]].astype(np.float32), given.T.astype(np.float32))
        assert not kept[given.shape[1] :].any()
    cropped = load("JapaneseVowels", shipped, lengths="crop")
    np.testing.assert_array_equal(cropped.train.x, padded.train.x[:, :7])


@pytest.mark.parametrize("equal", ["true", "false"])
def test_missing_values_at_the_end_are_its_end(tmp_path, equal):
    """Two channels, of which one ends earlier; the last series has fewer values in the file where it may."""
    last = "1,2,?,?:5,?,?,?:b" if equal == "true" else "1,2:5,?:b"
    rows = ["1,2,3,?:5,6,?,?:a", "1,2,3,4:5,6,7,8:b", last]
    head = f"@timeStamps false\n@univariate false\n@equalLength {equal}\n@classLabel true a b\n@data\n"
    for part in ("TRAIN", "TEST"):
        (tmp_path / f"Own_{part}.ts").write_text(head + "\n".join(rows) + "\n")
    padded = load("Own", tmp_path, lengths="pad", missing="zero")
    expected = [
        [[1, 5], [2, 6], [3, 0], [0, 0]],
        [[1, 5], [2, 6], [3, 7], [4, 8]],
        [[1, 5], [2, 0], [0, 0], [0, 0]],
    ]
    assert padded.test.x.tolist() == expected
    # Within the series a value is missing in each of two; after their ends nothing is.
    assert padded.notes == (
        "4 of 6 series have fewer than 4 samples, and zeros after their end.",
        "4 missing values were set to zero.",
    )
    assert load("Own", tmp_path, lengths="crop", missing="zero").train.x.tolist() == [one[:2] for one in expected]
    with pytest.raises(InputError, match=r"Own_TRAIN.ts, series 1, sample 3, channel 2: found an empty cell or NaN"):
        load("Own", tmp_path, lengths="pad")


def test_a_set_by_download(shipped, tmp_path):
    (tmp_path / "served").mkdir()
    with zipfile.ZipFile(tmp_path / "served" / "GunPoint.zip", "w") as archive:
        for part in ("TRAIN", "TEST"):
            archive.write(shipped / "GunPoint" / f"GunPoint_{part}.ts", f"GunPoint/GunPoint_{part}.ts")
    with serving(tmp_path / "served") as root:
        entry = {"source": "ucr_uea", "name": "GunPoint", "mirror": f"{root}/", "archive_sha256": "none"}
        experiment = {"dataset": entry, "model": {"architecture": "gap_cnn"}}
        resolved = resolution.resolve({"run": ["mine"], "experiments": {"mine": experiment}}).experiments["mine"]
        ((name, address),) = resolution.files(resolved, "dataset")
        assert (name, address) == ("archive", f"{root}/GunPoint.zip")
        downloads.fetch(address, "none", tmp_path / "got.zip")
    raw = ucr_uea.load({"archive": tmp_path / "got.zip"}, np.random.default_rng(0), name="GunPoint")
    np.testing.assert_array_equal(raw.test.x, load("GunPoint", shipped).test.x)


def test_the_names_are_those_of_aeons_lists():
    from aeon.datasets import tsc_datasets

    names = ucr_uea.archive_names()
    assert len(tsc_datasets.univariate) == 128 and len(tsc_datasets.multivariate) == 30
    assert {*tsc_datasets.univariate, *tsc_datasets.multivariate} <= set(names)


def test_letters_of_another_case_are_another_class(tmp_path):
    """F is a fusion beat and f another one; the parser that reads the series makes all letters small."""
    labels = ["F", "f", "a b", "NaN?"]
    rows = "".join(f"{at},2,{at % 3}:{labels[at % 4]}\n" for at in range(8))
    for part in ("TRAIN", "TEST"):
        (tmp_path / f"Own_{part}.ts").write_text(f"@univariate true\n@classLabel true F f a NaN?\n@data\n{rows}")
    raw = load("Own", tmp_path)
    assert [raw.classes[label] for label in raw.test.y] == labels * 2
