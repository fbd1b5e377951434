"""Tables of separated values: what is read has the values that Python's own reader gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from pellucid.datasets import table
from tests.fuzz import texts
from tests.fuzz.outcome import MEMORY
from tests.support.prepared import prepare

_LABELS = (
    "a",
    "b",
    "²",
    "--3",
    "１",
    "1",
    "01",
    "1.0",
    "é",
    "",
    " a",
    "nan",
    "x" * 5000,
    "\u202e",
    'q"q',
    "a,b",
    "a\nb",
)


@st.composite
def inputs(draw: Any) -> dict[str, Any]:
    """A grid of cells of which most are numbers, with a label and maybe a group each row; then some damage."""
    width, height = draw(st.sampled_from([0, 1, 2, 3, 3, 4, 5, 6])), draw(st.sampled_from([0, 1, 2, 6, *[12] * 8, 14]))
    delimiter = draw(st.sampled_from(",,,;\t| "))
    decimal = draw(st.sampled_from(".,")) if delimiter in ";\t" else "."
    kinds = draw(st.lists(st.sampled_from(_LABELS), min_size=2, max_size=3, unique=True))
    sizes = texts.sizes(draw)
    rows = [
        [*(next(sizes).replace(".", decimal) for _ in range(width)), kinds[row % len(kinds)]] for row in range(height)
    ]
    for _ in range(draw(st.sampled_from([0, 0, 1, 2])) if height else 0):
        texts.change(draw, rows)
    header = draw(st.sampled_from(["none", "names", "names", "hostile"]))
    if header != "none":
        rows.insert(0, [draw(texts.cells) if header == "hostile" else f"t{at}" for at in range(width)] + ["label"])
    quote = draw(st.sampled_from(["never", "where needed", "where needed", "where needed", "always"]))
    text = "\n".join(delimiter.join(_quoted(cell, delimiter, quote) for cell in row) for row in rows)
    parameters = {
        "lengths": draw(st.sampled_from(["refuse", "refuse", "pad", "crop"])),
        "missing": draw(st.sampled_from(["refuse", "refuse", "zero", "interpolate"])),
        "label": draw(st.sampled_from([*[-1] * 6, 1, "label"])),
        "header": draw(st.sampled_from(["auto", "auto", header != "none"])),
        "group": draw(st.sampled_from([*["none"] * 8, 1, "t0"])),
        "class_names": draw(st.sampled_from([*[{}] * 8, {"a": "A" * 5000}, ["one", "two"]])),
    }
    return {
        "content": texts.described_bytes(draw, text + draw(st.sampled_from(["", "\n", "\n\n", "\n \t \n"]))),
        "name": draw(st.sampled_from(["table.csv", "table.txt", "table.tsv" if delimiter == "\t" else "table.csv"])),
        "parameters": parameters,
        "delimiter": delimiter,
        "decimal": decimal,
        "prepared": draw(st.integers(0, 4)) == 0,
    }


def use(described: dict[str, Any], folder: Path) -> None:
    """Write the table, read it, compare its values with an independent reading, and prepare some data."""
    file = folder / described["name"]
    file.write_bytes(described["content"])
    parameters = described["parameters"]
    raw = table.load({"file": file}, np.random.default_rng(0), **parameters)
    plain = parameters["lengths"] == "refuse" and parameters["missing"] == "refuse" and parameters["group"] == "none"
    if plain and described["delimiter"] != " ":
        _compare(raw.train.x[:, :, 0], described)
    if described["prepared"]:
        dataset = {"source": "table", "file": str(file), **parameters}
        prepare(folder / "out", dataset, paths={"file": file}, memory_mb=MEMORY)


def _compare(x: NDArray[Any], described: dict[str, Any]) -> None:
    """Every row that the file has, with or without its first line, and no other."""
    rows = texts.rows_of(described["content"], described["delimiter"])
    rows = rows[len(rows) - len(x) :] if len(rows) - len(x) in (0, 1) else rows
    width = x.shape[1] + 1
    if {len(row) for row in rows} != {width}:
        # Another delimiter fits better: that there is one is all that can be said.
        assert described["content"].count(described["delimiter"].encode()) < len(x) or len(x) < 3
        return
    label = described["parameters"]["label"]
    place = width - 1 if label == -1 else 0 if label == 1 else None
    if place is None:
        place = _header(described).index("label")
    expected = [
        [texts.number(cell, described["decimal"]) for at, cell in enumerate(row) if at != place] for row in rows
    ]
    np.testing.assert_array_equal(x, np.array(expected, np.float64).astype(x.dtype))


def _header(described: dict[str, Any]) -> list[str]:
    return [cell.strip() for cell in texts.rows_of(described["content"], described["delimiter"])[0]]


def _quoted(cell: str, delimiter: str, quote: str) -> str:
    needed = any(sign in cell for sign in (delimiter, '"', "\n", "\r"))
    doubled = cell.replace('"', '""')
    return f'"{doubled}"' if quote == "always" or (quote == "where needed" and needed) else cell
