"""Tables of separated values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.outcome import MEMORY
from tests.prepared import prepare

CELLS = st.one_of(
    st.sampled_from(["1", "2.5", "-3", "1e400", "²", "--3", "", "nan", "0x1", "x" * 5000, "a\tb", '"', "١"]),
    st.text(max_size=6),
)


@st.composite
def inputs(draw: Any) -> dict[str, Any]:
    """A grid of cells of which most are numbers, with a label each row."""
    width, height = draw(st.integers(1, 6)), draw(st.integers(1, 12))
    rows = [[f"{row + column}" for column in range(width)] + [f"k{row % 2}"] for row in range(height)]
    for _ in range(draw(st.integers(0, 3))):
        rows[draw(st.integers(0, height - 1))][draw(st.integers(0, width))] = draw(CELLS)
    return {
        "rows": rows,
        "separator": draw(st.sampled_from(",;\t ")),
        "encoding": draw(st.sampled_from(["utf-8", "utf-16", "latin-1"])),
    }


def use(described: dict[str, Any], folder: Path) -> None:
    """Write the table and prepare its data."""
    text = "\n".join(described["separator"].join(row) for row in described["rows"])
    (folder / "table.csv").write_bytes(text.encode(described["encoding"], "replace"))
    dataset = {"source": "table", "file": str(folder / "table.csv")}
    prepare(folder / "out", dataset, paths={"file": folder / "table.csv"}, memory_mb=MEMORY)
