"""Arrays of sources: in memory while there is room, else mapped from a file that leaves no name."""

import weakref

import numpy as np
import pytest

from pellucid.datasets.readers import labelled_rows
from pellucid.datasets.readers.spill_buffer import SpillBuffer
from pellucid.errors import InputError


def test_what_fits_stays_in_memory_and_what_does_not_is_mapped(tmp_path, rng):
    x = rng.normal(size=(300, 100, 8)).astype(np.float32)  # 0.92 MB
    scratch = SpillBuffer(tmp_path / "data", 2)
    first, second = (scratch.array(x[start : start + 40] for start in range(0, 300, 40)) for _ in range(2))
    assert not isinstance(first, np.memmap)
    # The room is for both together.
    assert isinstance(second, np.memmap)
    for found in (first, second):
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, x)
    with pytest.raises(ValueError, match="read-only"):
        second[0] = 0
    assert list((tmp_path / "data").iterdir()) == []


def test_blocks_are_asked_for_one_at_a_time(tmp_path):
    made, most = [], 0

    def blocks():
        nonlocal most
        for value in range(20):
            most = max(most, sum(block() is not None for block in made))
            block = np.full((4, 1000), value, np.float32)
            made.append(weakref.ref(block))
            yield block

    found = SpillBuffer(tmp_path, 0).array(blocks())
    np.testing.assert_array_equal(found[::4, 0], np.arange(20))
    # This function holds the last block itself; the buffer may hold it as well.
    assert most <= 2


def rows(n=20):
    values = np.random.default_rng(0).random((n, 6)).round(3)
    values[:, 5] = np.arange(n) % 3
    return values


def test_a_csv_larger_than_the_memory_gives_the_same_array(tmp_path, monkeypatch):
    monkeypatch.setattr(labelled_rows, "_BLOCK", 160)
    np.savetxt(tmp_path / "a.csv", rows(), delimiter=",")
    whole = labelled_rows.read_labelled_rows(tmp_path / "a.csv", columns=6, classes=3)
    mapped = labelled_rows.read_labelled_rows(
        tmp_path / "a.csv", columns=6, classes=3, scratch=SpillBuffer(tmp_path, 0)
    )
    assert isinstance(mapped[0], np.memmap)
    np.testing.assert_allclose(whole[0], rows()[:, :5], rtol=1e-6)
    for one, other in zip(whole, mapped, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("line", "column", "cell", "message"),
    [
        (14, 2, "abc", 'line 14, column 2: found "abc"'),
        (17, 3, "", "line 17, column 3: found an empty cell"),
        (20, 6, "7", "line 20, last column: found the label 7"),
        (11, 6, "1,1", "line 11: found 7 columns"),
    ],
)
def test_faults_are_told_by_their_line_in_the_file_whatever_the_block(
    tmp_path, monkeypatch, line, column, cell, message
):
    monkeypatch.setattr(labelled_rows, "_BLOCK", 160)
    text = rows().astype(str)
    text = text.astype(object)
    text[line - 1, column - 1] = cell
    (tmp_path / "a.csv").write_text("".join(",".join(row) + "\n" for row in text))
    with pytest.raises(InputError, match=message):
        labelled_rows.read_labelled_rows(
            tmp_path / "a.csv", columns=6, classes=3, scratch=SpillBuffer(tmp_path / "data", 0)
        )
    # Only the last block is wrong: what was put away before is gone.
    assert not (tmp_path / "data").exists() or not list((tmp_path / "data").iterdir())
