"""Rows of arrays larger than memory: the same values as numpy's indexing, and none read too early."""

import numpy as np
import pytest

from pellucid.lazy_array import LazyRows, blocks


@pytest.fixture
def x(rng):
    return rng.normal(3, 2, (50, 7, 2)).astype(np.float32)


def test_chosen_rows_are_those_of_the_array(x, rng):
    first, second = rng.permutation(50)[:30], rng.permutation(30)[:12]
    rows = LazyRows(x, first)
    assert (len(rows), rows.shape, rows.dtype) == (30, (30, 7, 2), np.float32)
    np.testing.assert_array_equal(rows[3:9], x[first][3:9])
    np.testing.assert_array_equal(rows[second], x[first][second])
    np.testing.assert_array_equal(np.asarray(rows), x[first])


def test_scaled_rows_are_float32_of_the_quotient_in_float64(x):
    offset, divisor = np.array([1.5, -2.0]), np.array([3.0, 0.7])
    found = LazyRows(x, np.arange(0, 50, 3)).scaled(offset, divisor)[:]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, ((x[::3] - offset) / divisor).astype(np.float32))


@pytest.mark.parametrize(("size", "lengths"), [(8 * 7 * 2 * 4, [8] * 6 + [2]), (1, [1] * 50)])
def test_blocks_are_all_rows_in_order_whatever_the_layout(monkeypatch, x, size, lengths):
    monkeypatch.setattr("pellucid.lazy_array._BYTES", size)
    for array in (x, np.asfortranarray(x), LazyRows(x), x[:, ::-1][:, ::-1]):
        found = list(blocks(array))
        assert [len(block) for block in found] == lengths
        assert all(block.flags.c_contiguous for block in found)
        np.testing.assert_array_equal(np.concatenate(found), x)


def test_nothing_is_read_before_it_is_asked_for():
    class Watched(np.ndarray):
        read = 0

        def __getitem__(self, key):
            Watched.read += 1
            return super().__getitem__(key)

    rows = LazyRows(np.zeros((9, 2), np.float32).view(Watched), np.arange(2)).scaled(np.zeros(2), np.ones(2))
    assert Watched.read == 0
    assert rows[:].shape == (2, 2)
    assert Watched.read == 1
