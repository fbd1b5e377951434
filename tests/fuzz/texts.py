"""What the topics of text files share: cells, damage, and an independent reading of what is well-formed."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from random import Random
from typing import Any

from hypothesis import strategies as st

# What looks like a number, is one in some language, or is none.
NEAR_NUMBERS = (
    *(
        "1e5",
        "1E-5",
        "-3.25",
        ".5",
        "5.",
        "+2",
        "007",
        "1e-400",
        "1e400",
        "9" * 400,
        "0." + "0" * 30 + "123456789",
        "-0",
    ),
    *("1e 5", "1e\t5", "1 e5", "0x10", "0b1", "1_000", "1,5", "1.5", "+-1", "--3", "١٢", "１", "²", "½", "1d3", "1D3"),
    *("Inf", "-inf", "infinity", "nan", "NaN", "-nan", "NA", "null", "None", "?", " ?", "True", "false", "1f", "1%"),
    *("", " ", "\xa01", "1\x0c", "1\u2028", "=1+1", "'1'", "1.5.5", "1,234.5", "1.234,5", "e", "+", ".", "1e", "1e+"),
    *("x" * 5000, "1" * 5000, "\u202ex", "a\x07b", "\U0001f600", "e\u0301", "#", "@data", ":", "a:b"),
)
cells = st.one_of(
    st.sampled_from(NEAR_NUMBERS),
    st.text(alphabet="0123456789+-.,eE _xnaif", max_size=7),
    st.floats(allow_nan=False, width=64).map(repr),
    st.text(max_size=6),
)
# What is done to a file's bytes: at a share of its length, bytes are put in, or the file ends there.
damage = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.sampled_from(
            [
                *(b"", b'"', b"\0", b"\xff", b"\xed\xa0\x80", b"\n", b"\r", b"\n\n", b",", b";", b":", b" " * 5000),
                *(b"\x1b[31m", b'"\n"', b"\xef\xbb\xbf", b"\x85", b"9" * 3000, b'",', b',"', b"@data\n"),
            ]
        ),
        st.sampled_from(["put in", "put in", "put in", "cut"]),
    ),
    max_size=2,
)
ENCODINGS = (*["utf-8"] * 24, "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252")
# Other files that bear the name of a text.
OTHERS = (b"", b"\x1f\x8b\x08\0", b"PK\x03\x04", b"PAR1", b"\x93NUMPY", b"\xd0\xcf\x11\xe0", b"\x89PNG\r\n", b"<html>")
_NUMBER = re.compile(r"[ \t\v\f]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t\v\f]*", re.ASCII)


def sizes(draw: Any, form: str = "{!r}", least: float = -1e6, most: float = 1e6) -> Iterator[str]:
    """Numbers as texts, without end: one in eight is tiny, one in eight 0; a draw of each would take long."""
    random = Random(draw(st.integers(0, 2**32)))
    while True:
        yield form.format(random.uniform(least, most) * random.choice([1, 1, 1, 1, 1, 1, 1e-12, 0]))


def change(draw: Any, rows: list[list[str]]) -> None:
    """Put an odd cell into one of the rows, or make it longer or shorter by a cell."""
    row = rows[draw(st.integers(0, len(rows) - 1))]
    way = draw(st.sampled_from(["cell", "cell", "cell", "longer", "shorter"]))
    if way == "cell":
        row[draw(st.integers(0, len(row) - 1))] = draw(cells)
    else:
        row[:1] = ["1", "2"] if way == "longer" else []
        if not row:
            row.append("")


def damaged(content: bytes, changes: list[tuple[float, bytes, str]]) -> bytes:
    """The bytes of a file after some changes."""
    for share, new, way in changes:
        place = int(share * len(content))
        content = content[:place] + new + (content[place:] if way == "put in" else b"")
    return content


def rows_of(content: bytes, delimiter: str) -> list[list[str]]:
    """The cells of each line that is not blank, by Python's own reader.

    Raises:
        UnicodeDecodeError: bytes that are no text.
    """
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = content.decode("utf-16" if wide else "utf-8-sig")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return [row for row in rows if len(row) > 1 or "".join(row).strip()]


def number(cell: str, decimal: str = ".") -> float:
    """The number that a cell says to anybody.

    Raises:
        AssertionError: it says none.
    """
    plain = cell.replace(decimal, ".")
    assert _NUMBER.fullmatch(plain) and (decimal == "." or "." not in cell), f"{cell!r} was taken for a number"
    return float(plain)


def described_bytes(draw: Any, text: str) -> bytes:
    """A text as some program would have written it: mostly well."""
    encoding = draw(st.sampled_from(ENCODINGS))
    ends = draw(st.sampled_from(["\n", "\n", "\n", "\r\n", "\r"]))
    content = text.replace("\n", ends).encode(encoding, "surrogatepass" if "utf" in encoding else "replace")
    if draw(st.integers(0, 30)) == 0:
        content = draw(st.sampled_from(OTHERS)) + content
    return damaged(content, draw(damage) if draw(st.integers(0, 3)) == 0 else [])
