"""Heartbeat tables: what is read has the values that Python's own reader gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from pellucid.datasets.readers.labelled_rows import read_labelled_rows
from pellucid.datasets.readers.spill_buffer import SpillBuffer
from tests.fuzz import texts

_COLUMNS = 6


@st.composite
def inputs(draw: Any) -> dict[str, Any]:
    """Rows of values in [0, 1] and a class, of which some cells are odd; then some damage."""
    sizes = texts.sizes(draw, draw(st.sampled_from(["{:.18e}", "{!r}", "{:.3f}", "{:.30f}"])), least=0, most=1)
    rows = [[*(next(sizes) for _ in range(_COLUMNS - 1)), str(row % 3)] for row in range(draw(st.integers(0, 8)))]
    for _ in range(draw(st.integers(0, 2)) if rows else 0):
        texts.change(draw, rows)
    text = "\n".join(",".join(row) for row in rows) + draw(st.sampled_from(["", "\n", "\n\n"]))
    return {"content": texts.described_bytes(draw, text), "memory": draw(st.sampled_from([None, 0]))}


def use(described: dict[str, Any], folder: Path) -> None:
    """Write the table, read it in memory or in blocks, and compare its values with an independent reading."""
    file = folder / "beats.csv"
    file.write_bytes(described["content"])
    x, y = read_labelled_rows(file, columns=_COLUMNS, classes=3, scratch=SpillBuffer(folder, described["memory"]))
    rows = [[texts.number(cell) for cell in row] for row in texts.rows_of(described["content"], ",")]
    with np.errstate(over="ignore"):
        expected = np.array(rows, np.float64).astype(np.float32)
    # To a step of float32: Arrow rounds once, and the other reading twice, by way of float64.
    np.testing.assert_array_max_ulp(np.asarray(x), expected[:, :-1], 1, np.float32)
    assert y.tolist() == expected[:, -1].tolist()
