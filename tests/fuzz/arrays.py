"""NumPy's .npz and .npy files: arrays of all types and orders, with headers that lie and bytes that are damaged."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from pellucid.datasets import table
from tests.fuzz.damage import damaged, damages
from tests.fuzz.outcome import MEMORY
from tests.support.prepared import prepare

TYPES = ["<f4", "<f8", ">f8", "<f2", "|u1", "<i4", ">i2", "<i8", "<u8", "<f16", "<c8", "<M8[D]", "<m8[s]", "|b1", "O"]
LABELS = ["<i8", "|u1", "<U3", ">U3", "|S2", "<f8", "|b1", "<M8[D]", "<M8[s]", "O", "<c8", "<U9"]
HEADERS = [
    "{",
    "[" * 9000,
    "-" * 9000 + "1",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (20, 5)",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (20, -5), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 5), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 5), }",
    "{'descr': '|S0', 'fortran_order': False, 'shape': (1000000000000,), }",
    "{'descr': '|V0', 'fortran_order': False, 'shape': (20, 5), }",
    "{'descr': [('a', '<f8'), ('b', '<f8')], 'fortran_order': False, 'shape': (20, 5), }",
    "{'descr': ('<f4', (2,)), 'fortran_order': False, 'shape': (20, 5), }",
    "{'descr': '<f8', 'fortran_order': 0, 'shape': (20, 5), }",
    "{'descr': 'x9', 'fortran_order': False, 'shape': (20, 5), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (True, 100), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (20L, 5L), }",
    "{[]: 1}",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (" + "9" * 5000 + ",), }",
    "\0",
    "1if 2else 3",
    "  x",
    "'",
]


@st.composite
def inputs(draw: Any) -> dict[str, Any]:
    """Two arrays of which most can be read."""
    rare = draw(st.integers(0, 2)) == 0
    shape = draw(st.sampled_from([(20, 5), (20, 5, 2), (20, 1), (20,), (20, 0), (0, 5), (20, 5, 2, 1), ()]))
    return {
        "suffix": draw(st.sampled_from(["npz", "npz", "npy"])),
        "type": draw(st.sampled_from(TYPES if rare else TYPES[:7])),
        "shape": shape if rare else draw(st.sampled_from([(20, 5), (20, 5, 2), (24, 3)])),
        "order": draw(st.sampled_from("CF")),
        "labels": draw(st.sampled_from(LABELS if rare else LABELS[:6])),
        "version": draw(st.sampled_from([1, 1, 1, 1, 2, 3, 4])),
        "header": draw(st.none() | st.sampled_from(HEADERS)) if rare else None,
        "length": draw(st.none() | st.sampled_from([0, 1, 60_000, 2**32 - 1])) if rare else None,
        "names": draw(st.sampled_from([("x", "y")] * 4 + [("x", "y", "x"), ("x", "y", "../../z"), ("x", "y", "")])),
        "packed": draw(st.sampled_from([0, 8, 8, 12, 14])),
        "damage": draw(damages()),
        "seed": draw(st.integers(0, 99)),
    }


def use(described: dict[str, Any], folder: Path) -> None:
    """Write the arrays, read them, compare what was read with what numpy reads, and prepare the data."""
    path = folder / f"data.{described['suffix']}"
    rng = np.random.default_rng(described["seed"])
    x, y = _signal(described, rng), _labels(described, len(described["shape"]) and described["shape"][0])
    if described["suffix"] == "npy":
        content = _npy(x, described)
    else:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", described["packed"]) as archive:
            for name in described["names"]:
                archive.writestr(f"{name}.npy", _npy(x, described) if name != "y" else _npy(y, {"version": 1}))
        content = buffer.getvalue()
    path.write_bytes(damaged(content, described["damage"]))
    dataset = {"source": "table", "file": str(path)}
    read = table.load({"file": path}, rng)
    if described["suffix"] == "npy":
        whole = np.load(path)
        labels, signal = whole[:, -1], whole[:, :-1, np.newaxis]
    else:
        with np.load(path) as arrays:
            labels, signal = arrays["y"], arrays["x"]
    signal = signal if signal.ndim == 3 else signal[:, :, np.newaxis]
    np.testing.assert_array_equal(read.train.x, signal.astype(read.train.x.dtype))
    texts = [label.decode() if isinstance(label, bytes) else str(label) for label in labels.tolist()]
    if labels.dtype.kind in "fiu":
        texts = [f"{label:.0f}" for label in labels]
    assert [read.classes[number] for number in read.train.y] == texts
    prepare(folder / "out", dataset, paths={"file": path}, memory_mb=MEMORY)


def _signal(described: dict[str, Any], rng: np.random.Generator) -> Any:
    shape, dtype = described["shape"], np.dtype(described["type"])
    values = rng.integers(0, 100, shape).astype("i8" if dtype.kind in "mM" else "f8")
    if described["suffix"] == "npy" and len(shape) == 2 and shape[1]:
        values[:, -1] = np.arange(shape[0]) % 2
    return np.asarray(values.astype(dtype), order=described["order"])


def _labels(described: dict[str, Any], count: int) -> Any:
    numbers = np.arange(count) % 2
    kind = np.dtype(described["labels"]).kind
    return np.array([f"k{one}" for one in numbers] if kind in "US" else numbers.astype("i8")).astype(
        described["labels"]
    )


def _npy(array: Any, described: dict[str, Any]) -> bytes:
    """An .npy, with another header, length or version where that is described."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    content = buffer.getvalue()
    (length,) = struct.unpack("<H", content[8:10])
    header, values = content[10 : 10 + length], content[10 + length :]
    if described.get("header") is not None:
        header = described["header"].encode() + b"\n"
    announced = len(header) if described.get("length") is None else described["length"]
    version = described["version"]
    size = struct.pack("<H", announced % 2**16) if version == 1 else struct.pack("<I", announced)
    return b"\x93NUMPY" + bytes([version, 0]) + size + header + values
