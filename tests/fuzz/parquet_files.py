"""Parquet files: columns of all types, footers that lie, and bytes that are damaged."""

from __future__ import annotations

import datetime
import decimal
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st
from pyarrow import parquet

from pellucid.datasets import table
from tests.fuzz.damage import damaged, damages
from tests.fuzz.outcome import MEMORY
from tests.support.prepared import prepare

DAY = datetime.date(2020, 1, 1)
# Two values of each type.
LABELS = {
    "text": ["a", "b"],
    "large text": pa.array(["a", "b"], pa.large_string()),
    "view": pa.array(["a", "b"], pa.string_view()),
    "long": ["a" * 5000, "b"],
    "whole": [1, 2],
    "truth": [True, False],
    "bytes": [b"a", b"b"],
    "no text": [b"\xff", b"\xfe"],
    "fixed": pa.array([b"ab", b"cd"], pa.binary(2)),
    "dictionary": pa.array(["a", "b"]).dictionary_encode(),
    "float": [1.0, 2.5],
    "day": [DAY, datetime.date(2020, 1, 2)],
    "moment": [datetime.datetime(2020, 1, 1), None],
    "lists": [[1], [2, 3]],
    "structs": [{"a": 1}, {"a": 2}],
    "maps": pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64())),
    "decimal": [decimal.Decimal("1.5"), decimal.Decimal("2.5")],
    "nothing": [None, None],
    "lacking": ["a", None],
    "half": pa.array(np.array([1, 2], np.float16)),
    "unsigned": pa.array([2**64 - 1, 1], pa.uint64()),
}
SIGNALS = {
    "double": [1.5, 2.5],
    "single": pa.array([1.5, 2.5], pa.float32()),
    "half": pa.array(np.array([1.5, 2.5], np.float16)),
    "byte": pa.array([1, 2], pa.int8()),
    "long": pa.array([1, 2**60], pa.int64()),
    "decimal": [decimal.Decimal("1.5"), decimal.Decimal("2.5")],
    "lacking": [1.5, None],
    "infinite": [float("inf"), 1.0],
    "text": ["1", "2"],
    "lists": [[1.0], [2.0]],
    "structs": [{"a": 1.0}, {"a": 2.0}],
    "dictionary": pa.array([1.5, 2.5]).dictionary_encode(),
    "truth": [True, False],
    "time": pa.array([1, 2], pa.duration("s")),
}
NAMES = ["s", "a.b", "", "µV", "x" * 3000, "__index_level_0__"]


@st.composite
def inputs(draw: Any) -> dict[str, Any]:
    """A table of which most can be read."""
    rare = draw(st.integers(0, 2)) == 0
    signals = list(SIGNALS) if rare else list(SIGNALS)[:4]
    return {
        "labels": draw(st.sampled_from(list(LABELS) if rare else list(LABELS)[:11])),
        "signals": draw(st.lists(st.sampled_from(signals), min_size=1, max_size=4)),
        "names": draw(st.lists(st.sampled_from(NAMES), max_size=2, unique=True)) if rare else [],
        "repeats": draw(st.sampled_from([10, 10, 50, 2000])),
        "compression": draw(st.sampled_from(["none", "snappy", "zstd", "gzip", "brotli", "lz4"])),
        "dictionary": draw(st.booleans()),
        "checksum": draw(st.booleans()),
        "pages": draw(st.sampled_from(["1.0", "2.0"])),
        "group": draw(st.sampled_from([7, 1000])),
        "schema": draw(st.booleans()),
        "damage": draw(damages()),
        "footer": draw(st.sampled_from([None] * 9 + [0, 1, 2**31 - 1, 2**32 - 1])),
        "deep": draw(st.sampled_from([0] * 14 + [60, 20_000])),
        "rows": draw(st.sampled_from([0, -1, 10**15])),
    }


def use(described: dict[str, Any], folder: Path) -> None:
    """Write the table, read it, compare what was read with what pyarrow reads, and prepare the data."""
    path = folder / "data.parquet"
    if described["deep"]:
        path.write_bytes(_nested(described["deep"], described["rows"]))
    else:
        _write(described, path)
    content = path.read_bytes()
    if described["footer"] is not None:
        content = content[:-8] + struct.pack("<I", described["footer"]) + content[-4:]
    path.write_bytes(damaged(content, described["damage"]))
    read = table.load({"file": path}, np.random.default_rng(0), missing="zero")
    whole = parquet.ParquetFile(path).read()
    labels = whole.columns[-1].to_pylist()
    texts = [one.decode() if isinstance(one, bytes) else str(one) for one in labels]
    if isinstance(labels[0], float):
        texts = [f"{one:g}" for one in labels]
    assert [read.classes[number] for number in read.train.y] == texts
    for at, name in enumerate(one for one in whole.column_names[:-1] if not one.startswith("__")):
        values = whole[name].cast(pa.float64(), safe=False).to_numpy()
        np.testing.assert_array_equal(read.train.x[:, at, 0], np.nan_to_num(values).astype(read.train.x.dtype))
    dataset = {"source": "table", "file": str(path), "missing": "zero"}
    prepare(folder / "out", dataset, paths={"file": path}, memory_mb=MEMORY)


def _write(described: dict[str, Any], path: Path) -> None:
    names = described["names"] + [f"s{number}" for number in range(4)]
    columns = {name: SIGNALS[kind] for name, kind in zip(names, described["signals"], strict=False)}
    columns["label"] = LABELS[described["labels"]]
    content = pa.concat_tables([pa.table(columns)] * described["repeats"])
    parquet.write_table(
        content,
        path,
        row_group_size=described["group"],
        compression=described["compression"],
        use_dictionary=described["dictionary"],
        data_page_version=described["pages"],
        write_page_checksum=described["checksum"],
        store_schema=described["schema"],
    )


def _nested(depth: int, rows: int) -> bytes:
    """A file without rows whose one column lies in so many groups."""
    group = b"\x35\x00\x18\x01g\x15\x02\x00"  # required, named g, one child
    leaf = b"\x15\x02\x25\x00\x18\x01x\x00"
    count = depth + 2
    length = bytes([count & 127 | 128, count >> 7 & 127 | 128, count >> 14])
    schema = b"\x19\xfc" + length + b"\x48\x01r\x15\x02\x00" + group * depth + leaf
    number = rows * 2 if rows >= 0 else -rows * 2 - 1
    written = b""
    while number > 127:
        written, number = written + bytes([number & 127 | 128]), number >> 7
    footer = b"\x15\x02" + schema + b"\x16" + written + bytes([number]) + b"\x19\x0c\x00"
    return b"PAR1" + footer + struct.pack("<I", len(footer)) + b"PAR1"
