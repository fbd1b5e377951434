"""Text tables that nobody means to write: read as they say, or refused in bounded time and memory."""

import os
import time

import numpy as np
import pytest

from pellucid import downloads
from pellucid.datasets import table
from pellucid.datasets.readers import ts_file
from pellucid.datasets.readers.labelled_rows import read_labelled_rows
from pellucid.datasets.readers.labels import encode, group_names
from pellucid.errors import InputError
from pellucid.messages import did_you_mean
from pellucid.user_text import readable

ROWS = "".join(f"{at},{at % 5}.5,{at % 3},k{at % 2}\n" for at in range(12))


def load(folder, content, **parameters):
    path = folder / "data.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return table.load({"file": path}, np.random.default_rng(0), **parameters)


def refused(folder, content, **parameters):
    started = time.perf_counter()
    with pytest.raises(InputError) as told:
        load(folder, content, **parameters)
    assert time.perf_counter() - started < 10
    assert len(str(told.value)) < 500
    return str(told.value)


@pytest.mark.parametrize("cell", ["1e 5", "1e\t5", "1E +5", '"1e 5"', "0x10", "1_000", "+-1", "١٢", "1d3", "1,5"])
def test_what_is_no_number_is_named(tmp_path, cell):
    assert "line 2" in refused(tmp_path, "t0,t1,t2,label\n" + ROWS.replace("0.5", cell, 1))


@pytest.mark.parametrize(
    "cell", ["0.000053872700156553424", "0." + "0" * 30 + "123456789", "1e-300", "2\f", "0." + "1" * 400]
)
def test_numbers_are_those_of_python(tmp_path, cell):
    raw = load(tmp_path, "t0,t1,t2,label\n" + ROWS.replace("0.5", cell, 1))
    assert raw.train.x[0, 1, 0] == raw.train.x.dtype.type(float(cell))


def test_a_point_beside_decimal_commas_is_no_number(tmp_path):
    """It may divide thousands."""
    rows = "".join(f"{at},5;{at},25;k{at % 2}\n" for at in range(30))
    assert load(tmp_path, rows).train.x[1].ravel().tolist() == [1.5, 1.25]
    assert "line 26, column 1" in refused(tmp_path, rows.replace("25,5;", "1.234;"))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (ROWS.replace("k0", '"k0', 1), "line 1: found a quote without its end"),
        # Two quotes that stand alone make one row of three, in silence.
        (ROWS.replace("k0", '"k0', 1).replace("3.5,0,k1", '3.5,0,k1"', 1), "line 1: a quoted cell runs over"),
        (ROWS.replace("k0", "k" * 2_000_000, 1), "a cell of more than 1,000,000 characters"),
        ("," * 3_000_000 + "\n" + ROWS, "3,000,001 cells"),
        (ROWS + " " * 40_000_000, "a line of more than"),
        (ROWS + "\n" * 3_000_000, "blank lines in a row"),
        (b"\x1f\x8b\x08\x08" + b"x" * 100, "a gzip file"),
        (b"PK\x03\x04\x14" + b"\0" * 100, "a zip file"),
        (ROWS.replace("k0", "k\0", 1) + ROWS * 2000, "zero bytes"),
        (ROWS * 2000 + ROWS.replace("k0", "k\0", 1), "line 24001: found a zero byte"),
        ((ROWS * 2).encode("utf-16")[:-1], "bytes that are no text in line 24"),
    ],
)
def test_files_are_refused_by_name_of_what_is_wrong(tmp_path, content, told):
    assert told in refused(tmp_path, content, header=False)


def test_a_small_file_makes_no_array_that_memory_does_not_hold(tmp_path):
    rows = "1,2,3,x\n3,4,5,y\n" * 20_000
    long = "1," * 100_000
    assert "100,000" in refused(tmp_path, f"{rows}{long}x\n", lengths="pad", header=False)


def test_a_table_of_many_columns_is_read_in_time(tmp_path):
    """Comparing each name with each other took minutes."""
    names = ",".join(f"t{at}" for at in range(30_000))
    started = time.perf_counter()
    raw = load(tmp_path, f"{names},label\n" + "".join("1," * 30_000 + f"k{at % 2}\n" for at in range(6)))
    assert raw.train.x.shape == (6, 30_000, 1)
    assert time.perf_counter() - started < 10


def test_long_words_are_cut_or_refused():
    labels = np.array(["a" * 20_000, "b"] * 4, object)
    with pytest.raises(InputError, match="a label of 20,000 characters"):
        encode({"train": labels}, "file")
    # One name would make an array of as many characters for each example.
    with pytest.raises(InputError, match="a group's name of 20,000 characters"):
        group_names(labels, "file")
    started = time.perf_counter()
    assert len(str(InputError.unexpected("x" * 10**7, "y" * 10**7, "z", "w"))) < 500
    assert did_you_mean("x" * 50_000, ["y" * 50_000] * 50) == ""
    assert time.perf_counter() - started < 2


def test_no_word_turns_the_direction_of_a_message():
    assert readable("\u202eabc\u2066") == "\\u202eabc\\u2066"


def test_what_is_no_plain_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "self").symlink_to("self")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "self", "/dev/zero"):
        with pytest.raises(InputError, match="expected a file"):
            downloads.check(path, "none")


@pytest.mark.parametrize(
    ("cell", "told"), [("1e 5", "line 2, column 1"), ("True", "line 2, column 1"), ("1_0", "line 2, column 1")]
)
def test_heartbeats_that_are_no_numbers(tmp_path, cell, told):
    (tmp_path / "a.csv").write_text(f"0.5,0.25,0\n{cell},0.5,1\n")
    with pytest.raises(InputError, match=told):
        read_labelled_rows(tmp_path / "a.csv", columns=3, classes=2)


def test_heartbeats_with_many_zeros_are_read_exactly(tmp_path):
    tiny = "0." + "0" * 15 + "123456789"
    (tmp_path / "a.csv").write_text(f"0.5,{tiny},0\n\n.{'0' * 20}5,-{tiny},1\n")
    x, _ = read_labelled_rows(tmp_path / "a.csv", columns=3, classes=2)
    assert x.tolist() == [[0.5, np.float32(tiny)], [np.float32(5e-21), -np.float32(tiny)]]


def test_heartbeats_are_not_unpacked(tmp_path):
    """A small file may unpack to gigabytes."""
    import gzip

    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"0.5,0.25,0\n" * 10))
    with pytest.raises(InputError, match="a gzip file"):
        read_labelled_rows(tmp_path / "a.csv.gz", columns=3, classes=2)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("1,2,1_0:a\n", "line 3, channel 1, sample 3"),
        ("1,2,٣:a\n", "line 3, channel 1, sample 3"),
        ("1,2,\xa03:a\n", "line 3, channel 1, sample 3"),
        ("1,2,3\n1,2,3\n", "line 3: found no colon"),
        ("1,2,3:a\n1,2:b\n", "line 4, channel 1: found 2 samples"),
        ("1,2,3:a\n1,2,3:1,2,3:b\n", "line 4: found 2 channel"),
    ],
)
def test_series_of_an_archive_that_are_damaged(tmp_path, rows, told):
    (tmp_path / "a.ts").write_text(f"@classLabel true a b\n@data\n{rows}")
    with pytest.raises(InputError, match=told):
        ts_file.read(tmp_path / "a.ts")


def test_names_of_columns_are_no_sign_of_another_format(tmp_path):
    header = "PAR1,PAR2,PAR3,label\n"
    assert load(tmp_path, header + ROWS, label="label").train.x.shape == (12, 3, 1)
    assert "Parquet" in refused(tmp_path, b"PAR1\x15\x04" + ROWS.encode())


def test_blanks_around_a_missing_value_are_blanks(tmp_path):
    found = load(tmp_path, ROWS.replace(",0.5,", ", NA ,"), missing="zero")
    assert found.train.filling is not None
    assert found.train.filling.any(2)[:, 1].tolist() == [at % 5 == 0 for at in range(12)]
