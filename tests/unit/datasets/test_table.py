"""Tables of one's own: what other writers wrote is read as they wrote it."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pellucid.config import resolution
from pellucid.datasets import table
from pellucid.datasets.readers import tabular
from pellucid.downloads import local_path
from pellucid.errors import InputError
from tests.support.good_settings import GOOD

N, SAMPLES = 12, 8


@pytest.fixture
def frame(rng):
    """A signal of 8 samples, who it is of, and a label, in this order."""
    values = pd.DataFrame(
        rng.normal(size=(N, SAMPLES)).astype(np.float32), columns=[f"ecg_{i}" for i in range(SAMPLES)]
    )
    return values.assign(patient=[f"p{i % 4}" for i in range(N)], label=[("N", "A", "V")[i % 3] for i in range(N)])


def load(path, test=None, **parameters):
    files = {"file": Path(path)} | ({"test": Path(test)} if test else {})
    return table.load(files, np.random.default_rng(0), **parameters)


def text(folder, content, name="data.csv"):
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


WRITERS = {
    "csv": lambda frame, path: frame.to_csv(path, index=False),
    "tsv": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    "txt": lambda frame, path: frame.to_csv(path, index=False, sep=";"),
    "parquet": lambda frame, path: frame.to_parquet(path),
}


@pytest.mark.parametrize("suffix", WRITERS)
def test_tables_of_pandas(tmp_path, frame, suffix):
    path = tmp_path / f"beats.{suffix}"
    WRITERS[suffix](frame, path)
    raw = load(path, group="patient", unit="mV", channels=["II"], sampling_rate=360.0)
    np.testing.assert_array_equal(raw.train.x[:, :, 0], frame.filter(like="ecg").to_numpy())
    assert raw.train.x.dtype == np.float32
    assert raw.classes == ("A", "N", "V")
    assert [raw.classes[label] for label in raw.train.y] == frame["label"].tolist()
    assert raw.train.group.tolist() == frame["patient"].tolist()
    assert (raw.channels, raw.unit, raw.sampling_rate, raw.test, raw.notes) == (("II",), "mV", 360.0, None, ())


@pytest.mark.parametrize(
    "signal",
    ["ecg_*", ["ecg_[0-3]", "ecg_[4-7]"], [f"ecg_{i}" for i in range(8)], list(range(1, 9)), ["ecg_*"]],
)
def test_columns_by_name_pattern_and_position(tmp_path, frame, signal):
    frame.to_csv(tmp_path / "a.csv", index=False)
    raw = load(tmp_path / "a.csv", signal=signal, label="label")
    np.testing.assert_array_equal(raw.train.x[:, :, 0], frame.filter(like="ecg").to_numpy())


@pytest.mark.parametrize("unused", ["other", "ecg.other"])
def test_columns_of_parquet_that_are_not_asked_for(tmp_path, frame, unused):
    frame.insert(1, unused, "text")
    frame.to_parquet(tmp_path / "a.parquet")
    raw = load(tmp_path / "a.parquet", signal=["ecg_5", "ecg_0"], label="label", group="patient")
    np.testing.assert_array_equal(raw.train.x[:, :, 0], frame[["ecg_5", "ecg_0"]].to_numpy())
    assert [raw.classes[label] for label in raw.train.y] == frame["label"].tolist()
    assert raw.train.group.tolist() == frame["patient"].tolist()


def test_the_order_of_a_list_counts(tmp_path, frame):
    frame.to_csv(tmp_path / "a.csv", index=False)
    raw = load(tmp_path / "a.csv", signal=["ecg_5", 1, "ecg_3"], label=-1)
    np.testing.assert_array_equal(raw.train.x[:, :, 0], frame[["ecg_5", "ecg_0", "ecg_3"]].to_numpy())


@pytest.mark.parametrize(("layout", "axes"), [("time_major", (0, 1, 2)), ("channel_major", (0, 2, 1))])
@pytest.mark.parametrize("kind", ["csv", "npz of two axes", "npz of three axes"])
def test_channels_side_by_side(tmp_path, rng, layout, axes, kind):
    series, y = rng.normal(size=(6, 5, 3)).astype(np.float32), np.arange(6) % 2
    stored = series.transpose(axes)
    if kind == "csv":
        path = tmp_path / "a.csv"
        np.savetxt(path, np.column_stack([stored.reshape(6, -1), y]), delimiter=",", fmt="%.9g")
    else:
        path = tmp_path / "a.npz"
        np.savez(path, x=stored.reshape(6, -1) if "two" in kind else stored, y=y)
    raw = load(path, channels=["x", "y", "z"], layout=layout)
    np.testing.assert_array_equal(raw.train.x, series)
    assert raw.channels == ("x", "y", "z")
    assert raw.train.x.flags.c_contiguous


@pytest.mark.parametrize(("layout", "column"), [("time_major", "ecg_5"), ("channel_major", "ecg_6")])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_the_column_of_a_value_is_told(tmp_path, frame, suffix, layout, column):
    """The third sample of the second of two channels."""
    frame.loc[4, column] = np.nan
    WRITERS[suffix](frame, tmp_path / f"a.{suffix}")
    with pytest.raises(InputError, match=rf"{column}\)?: found an empty cell or NaN"):
        load(tmp_path / f"a.{suffix}", group="patient", channels=["I", "II"], layout=layout)


@pytest.mark.parametrize("stated", ["time_major", "channel_major"])
def test_arrays_whose_axes_may_be_exchanged_are_told(tmp_path, rng, stated):
    """(N, channels, time), as PyTorch has it, beside the default of (N, time, channels)."""
    time_first, labels = rng.normal(size=(6, 50, 3)).astype(np.float32), np.arange(6) % 2
    fitting, other = (time_first, time_first.swapaxes(1, 2))[:: 1 if stated == "time_major" else -1]
    np.savez(tmp_path / "good.npz", x=fitting, y=labels)
    np.savez(tmp_path / "turned.npz", x=other, y=labels)
    np.save(tmp_path / "turned.npy", other)
    assert load(tmp_path / "good.npz", layout=stated).notes == ()
    axes = "6, 3, 50" if stated == "time_major" else "6, 50, 3"
    right = "channel_major" if stated == "time_major" else "time_major"
    for raw in (
        load(tmp_path / "turned.npz", layout=stated),
        load(tmp_path / "turned.npy", layout=stated, label="none"),
    ):
        assert raw.train.x.shape == (6, 3, 50)
        told = f"the array ({axes}) is read as 3 samples of 50 channels; if it has 3 channels, write layout: {right}."
        assert [note.split(": ", 1)[1] for note in raw.notes] == [told]
    # Who names the channels has told which axis they are.
    names = [f"c{number}" for number in range(50)]
    assert load(tmp_path / "turned.npz", layout=stated, channels=names).notes == ()
    kept = load(tmp_path / "turned.npz", layout=stated, classes=["0", "1"])
    assert len(kept.notes) == 1


def test_keys_of_an_archive(tmp_path, rng):
    x = rng.normal(size=(6, 5))
    np.savez(tmp_path / "a.npz", beats=x, kind=np.array(list("abcabc")), who=np.arange(6))
    raw = load(tmp_path / "a.npz", signal="beats", label="kind", group="who")
    np.testing.assert_array_equal(raw.train.x[:, :, 0], x.astype(np.float32))
    assert raw.classes == ("a", "b", "c")
    assert raw.train.group.tolist() == list("012345")


def test_a_table_of_numpy(tmp_path, rng):
    whole = np.column_stack([np.arange(6) % 2, rng.normal(size=(6, 4))])
    np.save(tmp_path / "a.npy", whole)
    raw = load(tmp_path / "a.npy", label=1)
    np.testing.assert_array_equal(raw.train.x[:, :, 0], whole[:, 1:].astype(np.float32))
    np.testing.assert_array_equal(raw.train.y, whole[:, 0])


def test_a_test_file_of_its_own_keeps_the_training_files_classes(tmp_path, frame):
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame[frame["label"] != "N"].to_csv(tmp_path / "b.csv", index=False)
    raw = load(tmp_path / "a.csv", test=tmp_path / "b.csv", group="patient")
    assert raw.classes == ("A", "N", "V")
    assert set(raw.test.y.tolist()) == {0, 2}
    assert len(raw.test.group) == 8


HEADERS = [
    ("names", "a,b,c,k\n1,2,3,x\n1,2,4,x\n1,2,3,y\n1,2,4,y\n", 4),
    ("none", "1,2,3,x\n1,2,4,x\n1,2,3,y\n1,2,4,y\n", 4),
    ("blank lines, and the mark of a spreadsheet", "\ufeff\n\na,b,c,k\n1,2,3,x\n\n1,2,4,x\n1,2,3,y\n1,2,4,y\n\n", 4),
    ("ends of lines of another system", "a,b,c,k\r\n1,2,3,x\r\n1,2,4,x\r\n1,2,3,y\r\n1,2,4,y", 4),
    ("names and texts in quotes", '"a","b, too",c,k\n1,2,3,"x"\n1,2,4,"x"\n1,2,3,y\n1,2,4,y\n', 4),
]


@pytest.mark.parametrize(("content", "rows"), [row[1:] for row in HEADERS], ids=[row[0] for row in HEADERS])
def test_headers(tmp_path, content, rows):
    (tmp_path / "a.csv").write_bytes(content.encode("utf-8"))
    raw = load(tmp_path / "a.csv")
    assert raw.train.x[:, :, 0].tolist() == [[1, 2, 3], [1, 2, 4]] * 2
    assert raw.train.y.tolist() == [0, 0, 1, 1]
    assert len(raw.train.y) == rows


@pytest.mark.parametrize("last", [SAMPLES, "label"])
def test_a_header_that_counts(tmp_path, frame, last):
    array = frame.drop(columns="patient")
    array.columns = [*range(SAMPLES), last]
    array.to_csv(tmp_path / "a.csv", index=False)
    np.testing.assert_array_equal(load(tmp_path / "a.csv").train.x[:, :, 0], frame.filter(like="ecg").to_numpy())


def test_a_header_of_numbers_is_taken_on_demand(tmp_path):
    path = text(tmp_path, "10,20,30\n1,2,0\n1,3,0\n2,2,1\n2,3,1\n")
    assert load(path, header=True).train.x.shape == (4, 2, 1)
    assert load(path, header=True, signal=["20", "10"], label="30").train.x[0, :, 0].tolist() == [2, 1]


LABELS = [
    ("whole numbers by size", ["10", "9", "2"], None, ("2", "9", "10")),
    ("whole numbers written as others", ["1.0", "2.0", "3.00"], None, ("1", "2", "3")),
    ("below zero", ["-1", "1", "0"], None, ("-1", "0", "1")),
    ("texts by the alphabet", ["N", "A", "10"], None, ("10", "A", "N")),
    ("texts that stand for missing values elsewhere", ["NA", "None", "nan?"], None, ("NA", "None", "nan?")),
    ("renamed in order", ["3", "1", "2"], ["one", "two", "three"], ("one", "two", "three")),
    ("renamed by mapping", ["a", "b", "c"], {"b": "B", "a": "A", "c": "C"}, ("A", "B", "C")),
    ("two of one name", ["a", "b", "c"], {"a": "normal", "b": "other", "c": "other"}, ("normal", "other")),
]


@pytest.mark.parametrize(("written", "names", "classes"), [row[1:] for row in LABELS], ids=[row[0] for row in LABELS])
def test_labels(tmp_path, written, names, classes):
    rows = [f"{i},{i + 1},{written[i % 3]}" for i in range(12)]
    raw = load(text(tmp_path, "a,b,label\n" + "\n".join(rows)), class_names=names)
    assert raw.classes == classes
    told = dict(zip(sorted(written, key=float), classes, strict=False)) if isinstance(names, list) else names or {}
    for row, label in enumerate(raw.train.y):
        plain = written[row % 3].split(".")[0]
        assert raw.classes[label] == str(told.get(plain, plain))


GAPS = "a,b,c,d,label\n1,,3,4,x\n1,2,NaN,8,x\n,2,3,,y\n1,2,3,4,y\n"


def test_gaps_are_interpolated(tmp_path):
    raw = load(text(tmp_path, GAPS), missing="interpolate")
    assert raw.train.x[:, :, 0].tolist() == [[1, 2, 3, 4], [1, 2, 5, 8], [2, 2, 3, 3], [1, 2, 3, 4]]
    assert raw.notes == ("4 missing values were interpolated.",)


def test_gaps_are_zero(tmp_path):
    raw = load(text(tmp_path, GAPS), missing="zero")
    assert raw.train.x[:, :, 0].tolist() == [[1, 0, 3, 4], [1, 2, 0, 8], [0, 2, 3, 0], [1, 2, 3, 4]]


UNEQUAL = {
    "empty cells at the end": "a,b,c,d,label\n1,2,,,x\n1,2,3,4,x\n1,2,3,,y\n1,2,3,4,y\n",
    "lines without a header, the label last": "1,2,x\n1,2,3,4,x\n1,2,3,y\n1,2,3,4,y\n",
    "lines without a header, the longest first": "1,2,3,4,y\n1,2,x\n1,2,3,4,x\n1,2,3,y\n",
    "lines under a header, the label first": "label,a,b,c,d\nx,1,2\nx,1,2,3,4\ny,1,2,3\ny,1,2,3,4\n",
    "lines without a header, the label first": "x,1,2\nx,1,2,3,4\ny,1,2,3\ny,1,2,3,4\n",
    "empty cells too in lines without a header, the longest first": "1,2,3,4,y\n1,2,,x\n1,2,3,4,x\n1,2,3,,y\n",
}


@pytest.mark.parametrize("name", UNEQUAL)
@pytest.mark.parametrize("lengths", ["pad", "crop"])
def test_unequal_lengths(tmp_path, name, lengths):
    label = 1 if "label first" in name else -1
    raw = load(text(tmp_path, UNEQUAL[name]), lengths=lengths, label=label)
    short, usual, three = ([1, 2], [1, 2], [1, 2]) if lengths == "crop" else ([1, 2, 0, 0], [1, 2, 3, 4], [1, 2, 3, 0])
    order = [usual, short, usual, three] if "longest" in name else [short, usual, three, usual]
    assert raw.train.x[:, :, 0].tolist() == order
    assert raw.train.y.tolist() == ([1, 0, 0, 1] if "longest" in name else [0, 0, 1, 1])
    (note,) = raw.notes
    assert note.startswith(
        "3 of 4 series are cut to the 2 samples" if lengths == "crop" else "2 of 4 series have fewer than 4 samples"
    )


def test_a_test_file_counts_for_the_length(tmp_path):
    train = text(tmp_path, "1,2,3,x\n1,2,3,x\n1,2,3,y\n1,2,3,y\n", "a.csv")
    test = text(tmp_path, "1,2,x\n1,2,y\n", "b.csv")
    assert load(train, test=test, lengths="pad").test.x.tolist() == [[[1], [2], [0]]] * 2
    assert load(train, test=test, lengths="crop").train.x.shape == (4, 2, 1)


def test_large_files_are_read_in_parts(tmp_path, frame, monkeypatch):
    frame.to_parquet(tmp_path / "a.parquet", index=False)
    whole = load(tmp_path / "a.parquet", group="patient")
    monkeypatch.setattr(tabular, "_CELLS", 50)
    parts = load(tmp_path / "a.parquet", group="patient")
    np.testing.assert_array_equal(parts.train.x, whole.train.x)
    np.testing.assert_array_equal(parts.train.y, whole.train.y)
    assert parts.train.group.tolist() == whole.train.group.tolist()


def test_an_experiment_of_ones_own_is_a_good_configuration(tmp_path, frame):
    frame.to_csv(tmp_path / "a.csv", index=False)
    mine = {"dataset": {"source": "table", "file": str(tmp_path / "a.csv")}, "model": {"architecture": "heartbeat_cnn"}}
    content = {**GOOD, "run": ["mine"], "experiments": {"mine": mine}}
    assert resolution.resolve(content).experiments["mine"]["dataset"]["signal"] == "all"
    assert list(itertools.chain(resolution.files(resolution.resolve(content).experiments["mine"], "dataset"))) == [
        ("file", str(tmp_path / "a.csv"))
    ]


@pytest.mark.parametrize("name", ["beats #2.csv", "whose?.csv", "50%25.csv"])
def test_a_name_on_this_machine_is_no_address(tmp_path, frame, name):
    frame.to_csv(tmp_path / name, index=False)
    mine = {
        "dataset": {"source": "table", "file": str(tmp_path / name), "test": str(tmp_path / name)},
        "model": {"architecture": "heartbeat_cnn"},
    }
    chosen = resolution.resolve({**GOOD, "run": ["mine"], "experiments": {"mine": mine}}).experiments["mine"]
    assert dict(resolution.files(chosen, "dataset")) == {"file": str(tmp_path / name), "test": str(tmp_path / name)}
    assert len(load(local_path(chosen["dataset"]["file"]), group="patient").train.y) == N


def test_the_name_in_an_address():
    table.check(
        file="https://example.org/a%20b.CSV?version=2#top",
        test="file:///data/a%23b.csv",
        label=-1,
        class_names={},
        classes=(),
    )
    with pytest.raises(InputError, match=r'table.file: found "https://example.org/a.html\?b.csv"'):
        table.check(file="https://example.org/a.html?b.csv", test="none", label=-1, class_names={}, classes=())
    with pytest.raises(InputError, match=r'table.test: found "file:///data/a.txt.gz#b.csv"'):
        table.check(file="a.csv", test="file:///data/a.txt.gz#b.csv", label=-1, class_names={}, classes=())
