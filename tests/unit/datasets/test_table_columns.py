"""Columns of tables of one's own: which are signal, label and group, and which are the same in two files."""

import io

import numpy as np
import pandas as pd
import pytest

from pellucid.datasets import table
from pellucid.datasets.readers.headers import is_header
from pellucid.datasets.readers.spelling import as_number
from pellucid.errors import InputError

N = 12


@pytest.fixture
def frame(rng):
    values = pd.DataFrame(rng.normal(size=(N, 12)).round(3), columns=[f"t{at}" for at in range(12)])
    return values.assign(label=["N", "V"] * (N // 2))


def load(path, test=None, **parameters):
    files = {"file": path} | ({"test": test} if test else {})
    return table.load(files, np.random.default_rng(0), **parameters)


def csv(frame, path, **options):
    frame.to_csv(path, **{"index": False} | options)
    return path


def parquet(frame, path):
    frame.to_parquet(path)
    return path


def resaved(frame):
    """A frame that was saved with its index, read and saved again."""
    return pd.read_csv(io.StringIO(frame.to_csv()))


INDEXED = {
    "shuffled": lambda frame, path: parquet(frame.sample(frac=1, random_state=0), path / "a.parquet"),
    "named": lambda frame, path: parquet(frame.sample(frac=1, random_state=0).rename_axis("beat"), path / "a.parquet"),
    "of two levels": lambda frame, path: parquet(frame.set_index([np.arange(N)[::-1]] * 2), path / "a.parquet"),
    "saved twice": lambda frame, path: csv(resaved(frame), path / "a.csv"),
    "saved three times": lambda frame, path: csv(resaved(resaved(frame)), path / "a.csv"),
}


@pytest.mark.parametrize("written", INDEXED)
def test_row_numbers_are_neither_signal_nor_the_label(tmp_path, frame, written):
    raw = load(INDEXED[written](frame, tmp_path))
    assert raw.train.x.shape == (N, 12, 1)
    assert set(raw.train.x[:, 0, 0].tolist()) == set(frame["t0"].astype(np.float32).tolist())
    assert raw.classes == ("N", "V")
    assert len(raw.notes) == 1


def test_an_index_that_is_asked_for_is_taken(tmp_path, frame):
    path = parquet(frame.set_index("label"), tmp_path / "a.parquet")
    assert load(path, label="label").classes == ("N", "V")


def test_a_column_that_counts_the_examples_is_told(tmp_path, frame):
    (note,) = load(csv(frame.reset_index(), tmp_path / "a.csv"), signal="*").notes
    assert "index" in note
    assert load(csv(frame.reset_index(), tmp_path / "a.csv"), signal="t*").notes == ()


def test_names_that_count_otherwise_than_they_stand_are_told(tmp_path, frame):
    """Sorted by name, t10 and t11 stand between t1 and t2: the time axis would be scrambled."""
    ordered = frame[sorted(frame.columns, key=lambda name: (name == "label", name))]
    (note,) = load(csv(ordered, tmp_path / "a.csv")).notes
    assert "t10, t11, t2" in note
    names = [f"t{at}" for at in range(12)]
    raw = load(csv(ordered, tmp_path / "a.csv"), signal=names)
    np.testing.assert_array_equal(raw.train.x[:, :, 0], frame[names].to_numpy(np.float32))
    assert raw.notes == ()


@pytest.mark.parametrize("first", [csv, parquet])
@pytest.mark.parametrize("second", [csv, parquet])
def test_columns_of_two_files_are_matched_by_name(tmp_path, frame, first, second):
    train = first(frame, tmp_path / f"train.{first.__name__}")
    other = frame[sorted(frame.columns, reverse=True)].assign(more=1.0)
    raw = load(train, second(other, tmp_path / f"test.{second.__name__}"))
    np.testing.assert_array_equal(raw.test.x, raw.train.x)
    np.testing.assert_array_equal(raw.test.y, raw.train.y)
    assert len(raw.notes) == 1
    assert "more" in raw.notes[0]


OTHER = {
    "another name": (lambda f, p: csv(f.rename(columns={"t3": "heat"}), p / "test.csv"), "t3"),
    "one is missing": (lambda f, p: csv(f.drop(columns="t3"), p / "test.csv"), "t3"),
    "another label": (lambda f, p: csv(f.rename(columns={"label": "class"}), p / "test.csv"), "label"),
    "capitals": (lambda f, p: csv(f.rename(columns=str.upper), p / "test.csv"), 'Did you mean "T0"'),
    "no header": (lambda f, p: csv(f, p / "test.csv", header=False), "test.csv"),
}


@pytest.mark.parametrize(("write", "told"), OTHER.values(), ids=OTHER)
def test_other_columns_are_refused_by_name(tmp_path, frame, write, told):
    with pytest.raises(InputError) as error:
        load(csv(frame, tmp_path / "train.csv"), write(frame, tmp_path))
    assert told in str(error.value)


def test_arrays_beside_named_columns_are_refused(tmp_path, frame):
    np.savez(tmp_path / "test.npz", x=frame.drop(columns="label").to_numpy(), y=frame["label"].to_numpy(str))
    for pair in (("train.csv", "test.npz"), ("test.npz", "train.csv")):
        csv(frame, tmp_path / "train.csv")
        with pytest.raises(InputError, match="name its columns"):
            load(*(tmp_path / name for name in pair))


def test_minus_one_that_is_a_name_is_refused_where_it_is_not_the_last_column(tmp_path, frame):
    named = frame.set_axis([*map(str, range(-6, 6)), "label"], axis=1)
    with pytest.raises(InputError, match='"-1" or "label"'):
        load(csv(named, tmp_path / "a.csv"))
    assert load(csv(named, tmp_path / "a.csv"), label="label").classes == ("N", "V")


def test_keys_of_an_archive_that_are_numbers(tmp_path, rng):
    np.savez(tmp_path / "a.npz", **{"1": rng.normal(size=(N, 4)), "2": np.arange(N) % 2})
    assert load(tmp_path / "a.npz", signal=1, label=2).classes == ("0", "1")


def header(first, *rows, label=-1, known=()):
    """Whether `first` is a header of `rows`."""
    cells = [row.split(",") for row in rows]
    top = first.split(",")
    return is_header(
        top,
        cells,
        number=as_number,
        recurs=lambda at: any(row[at] == top[at] for row in cells),
        label=label,
        known=known,
        where="line 1",
    )


HEADERS = [
    ("names with underscores", "0_0,1_1,2_2", ["1,2,0", "2,1,1"], True),
    ("wavelengths and a name", "400.1,401.3,402.9,label", ["2,1,3,0", "1,3,2,1"], True),
    ("wavelengths above texts", "400.1,401.3,402.9,kind", ["2,1,3,x", "1,3,2,x"], True),
    ("falling wavelengths", "900,800,700,kind", ["2,1,3,x", "1,3,2,x"], True),
    ("a rising example whose class recurs", "1,2,3,x", ["2,1,3,x", "1,3,2,y"], False),
    ("rising examples alone", "1,2,3,x", ["2,3,4,y", "1,3,5,y"], False),
    ("a class of letters among classes of digits", "1,2,0,x", ["2,1,3,1", "1,2,1,2", "1,3,2,x"], False),
    ("a broken value", "0.5,O.7,0.1,0.2,x", ["1,2,3,4,x", "2,1,4,3,y"], False),
    ("a name that is known", "7,5,6", ["1,2,0", "2,1,1"], False),
]


@pytest.mark.parametrize(("first", "rows", "answer"), [row[1:] for row in HEADERS], ids=[row[0] for row in HEADERS])
def test_headers_of_names_that_look_like_numbers(first, rows, answer):
    assert header(first, *rows) is answer


def test_a_known_name_makes_a_header():
    assert header("7,5,6", "1,2,0", "2,1,1", known={"6"})


@pytest.mark.parametrize(
    ("first", "rows"),
    [
        ("400,401,402,403,404,405,406,407", ["2,1,3,4,5,6,7,0", "1,3,2,5,4,6,7,1"]),
        ("0,1,2,3", ["2,1,3,0", "1,3,2,1"]),
    ],
)
def test_rising_numbers_that_may_be_names_or_values_are_refused(first, rows):
    with pytest.raises(InputError, match="header: true"):
        header(first, *rows)


def test_a_first_label_that_no_other_line_has_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("12,15,11,99\n" + "1,2,3,0\n3,1,2,1\n" * 4)
    with pytest.raises(InputError, match=r"line 1.*header: true"):
        load(path)
    assert load(path, header=True).train.x.shape == (8, 3, 1)
    assert load(path, header=False).train.x.shape == (9, 3, 1)


TEXTS = {
    "blanks": "1 2.5 x\n2  3.5 x\n 3 4.5 y\n4\t5.5 y\n",
    "bars": "1|2.5|x\n2|3.5|x\n3|4.5|y\n4|5.5|y\n",
    "semicolons and decimal commas": "1;2,5;x\n2;3,5;x\n3;4,5;y\n4;5,5;y\n",
    "more commas than semicolons": "1,0;2,5;x\n2,0;3,5;x\n3,0;4,5;y\n4,0;5,5;y\n",
    "ends of lines of two systems": "1,2.5,x\r\n2,3.5,x\r3,4.5,y\n4,5.5,y\r\n",
    "quotes": '"1" "2.5" "x"\n"2" "3.5" "x"\n"3" "4.5" "y"\n"4" "5.5" "y"\n',
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_ways_to_divide_cells_and_to_write_numbers(tmp_path, name, encoding):
    (tmp_path / "a.txt").write_bytes(TEXTS[name].encode(encoding))
    raw = load(tmp_path / "a.txt")
    assert raw.train.x[:, :, 0].tolist() == [[1, 2.5], [2, 3.5], [3, 4.5], [4, 5.5]]
    assert raw.train.y.tolist() == [0, 0, 1, 1]


UNCLEAR = {
    "thousands": ("a;b;k\n1,234;2,000;x\n1,235;3,000;x\n1,111;2,000;y\n1,000;2,000;y\n", '"1,234"'),
    "thousands in quotes": ('a,b,k\n"1,234.5",2,x\n1,3,x\n1,2,y\n1,2,y\n', 'line 2, column 1 (a): found "1,234.5"'),
    "two decimal signs": ("a;b;k\n1;2.5;x\n1,25;3;x\n1;2;y\n1;2;y\n", 'line 3, column 1 (a): found "1,25"'),
    "underscores": ("a,b,k\n1,2_5,x\n1,3,x\n1,2,y\n1,2,y\n", 'line 2, column 2 (b): found "2_5"'),
    "True and False": ("a,b,k\n1,True,x\n1,False,x\n1,True,y\n1,True,y\n", 'line 2, column 2 (b): found "True"'),
    "a blank of typographers": ("a,b,k\n1,2,x\n1,3\u00a0,x\n1,2,y\n1,2,y\n", "line 3, column 2 (b)"),
    "a title": ("Beats of 2020\na,b,k\n1,2,x\n1,3,x\n1,2,y\n", "line 1: found only one cell"),
    "one column": ("a:b\n1:x\n2:y\n", "line 1: found only one column"),
}


@pytest.mark.parametrize(("content", "told"), UNCLEAR.values(), ids=UNCLEAR)
def test_numbers_that_are_not_clear_are_refused_by_line_and_column(tmp_path, content, told):
    (tmp_path / "a.csv").write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as error:
        load(tmp_path / "a.csv")
    assert told in str(error.value)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-32", "latin-1"])
def test_other_encodings_are_refused_by_file(tmp_path, encoding):
    (tmp_path / "a.csv").write_bytes("a,b,k\n1,2,é\n1,3,é\n1,2,ü\n1,2,ü\n".encode(encoding))
    with pytest.raises(InputError, match=r"a\.csv.*UTF-8"):
        load(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("names", "fits"),
    [
        (["I_0", "I_1", "I_2", "V1_0", "V1_1", "V1_2"], ["channel_major"]),
        (["I_0", "V1_0", "I_1", "V1_1", "I_2", "V1_2"], ["time_major"]),
        (["V2_0", "V2_1", "V2_2", "V1_0", "V1_1", "V1_2"], ["channel_major"]),
        (["t0", "t1", "t2", "t3", "t4", "t5"], ["time_major", "channel_major"]),
        (["a", "b", "c", "d", "e", "f"], ["time_major", "channel_major"]),
    ],
)
def test_a_layout_that_the_names_contradict_is_refused(tmp_path, rng, names, fits):
    values = pd.DataFrame(rng.normal(size=(N, 6)).round(3), columns=names).assign(label=["N", "V"] * (N // 2))
    path = csv(values, tmp_path / "a.csv")
    for layout, order in (("time_major", (-1, 3, 2)), ("channel_major", (-1, 2, 3))):
        if layout in fits:
            x = load(path, channels=["one", "two"], layout=layout).train.x
            signal = values[names].to_numpy(np.float32).reshape(order)
            np.testing.assert_array_equal(x, signal if layout == "time_major" else signal.swapaxes(1, 2))
        else:
            with pytest.raises(InputError, match=f"layout: found {layout}, but .* expected layout: {fits[0]}"):
                load(path, channels=["one", "two"], layout=layout)


def test_a_column_called_unlike_the_samples_is_no_signal_without_a_word(tmp_path, frame):
    path = csv(frame.assign(recording=np.arange(N)), tmp_path / "a.csv")
    with pytest.raises(InputError, match=r'the column "recording" would be signal, .* "t0" to "t11"\. .*"\*\[0-9\]"'):
        load(path, label="label")
    assert load(path, label="label", group="recording").train.x.shape == (N, 12, 1)
    assert load(path, label="label", signal="*[0-9]").train.x.shape == (N, 12, 1)
    assert load(path, label="label", signal="*").train.x.shape == (N, 13, 1)
