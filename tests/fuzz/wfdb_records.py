"""WFDB records: headers, signals and annotations of which each may lie about the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from pellucid.datasets.heartbeats import mitdb_records
from tests.fuzz.damage import damaged, damages
from tests.fuzz.outcome import MEMORY
from tests.support.prepared import prepare

SAMPLES, SPACING = 3500, 288
# What stands in a header, with what might.
FIELDS = {
    "record": ["100", "100/2", "", "../100", "1" * 3000],
    "leads": ["2", "1", "3", "0", "-1", "9" * 30],
    "rate": ["360", "250", "0", "1e400", "360/360(0)", "nan"],
    "samples": [str(SAMPLES), "10", "0", "-5", "9" * 20, "", str(10**10)],
    "file": ["100.dat", "101.dat", "../../etc/passwd", "/etc/passwd", "~", "-", "https://example.org/100.dat"],
    "format": [
        "212",
        "16",
        "0",
        "8",
        "61",
        "80",
        "160",
        "310",
        "311",
        "24",
        "32",
        "508",
        "999",
        "212x2",
        "212:9",
        "212+7",
    ],
    "gain": [
        "200",
        "200(1024)/mV",
        "0",
        "-200",
        "1e-300",
        "1e400",
        "200/V",
        "200(99999999999999999999)/mV",
        "e",
        "200/µV",
    ],
    "bits": ["11", "0", "99999999999999999999"],
    "zero": ["1024", "0", "99999999999999999999"],
    "first": ["0", "99999999999999999999"],
    "sum": ["{}", "0", "-1", "x"],
    "name": ["V1", "MLII", "", "ä", "a b", "x" * 3000],
    "end": ["", "#note\n", "\n\n", "# " + "y" * 9000, "100.dat 212 200\n", "\x0b", "\x85", "1" * 60_000],
}
CODES = [1, 5, 1, 5, 28, 22, 0, 47, 15, 49]
NOTES = ["", "(N", "## time resolution: 720", "## x", "## annotation type definitions", "## end of definitions"]


@st.composite
def inputs(draw: Any) -> dict[str, Any]:
    """A record of which most can be read."""
    header = {name: values[0] for name, values in FIELDS.items()}
    for name in draw(st.lists(st.sampled_from(list(FIELDS)), max_size=2)):
        header[name] = draw(st.sampled_from(FIELDS[name]))
    rare = draw(st.integers(0, 3)) == 0
    return {
        "header": header,
        "format": draw(st.sampled_from(["212", "16", "80", "61", "160"])),
        "codes": draw(st.lists(st.sampled_from(CODES if rare else CODES[:5]), min_size=10, max_size=11)),
        "first": draw(st.sampled_from([SPACING, SPACING, 0])),
        "step": draw(st.sampled_from([SPACING, -5, 2**30])) if rare else SPACING,
        "note": draw(st.sampled_from(NOTES)) if rare else "",
        "damage": {suffix: draw(damages()) for suffix in draw(st.sampled_from(["", "hea", "dat", "atr"])).split()},
        "seed": draw(st.integers(0, 9)),
    }


def use(described: dict[str, Any], folder: Path) -> None:
    """Write the record, read it, compare what was read with what was written, and prepare the data."""
    kind = described["format"]
    header = described["header"]
    if header["format"] == "212":
        header = header | {"format": kind}
    values = np.random.default_rng(described["seed"]).integers(-120, 120, 2 * SAMPLES)
    sums = [int(values[lead::2].sum()) % 2**16 for lead in range(2)]
    files = {
        "hea": _header(header).format(*sums).encode("utf-8"),
        "dat": _samples(values, kind),
        "atr": _annotations(described),
    }
    for suffix, content in files.items():
        (folder / f"100.{suffix}").write_bytes(damaged(content, described["damage"].get(suffix)))
    paths = {suffix: folder / f"100.{suffix}" for suffix in files}
    dataset = {"source": "mitdb", "records": str(folder), "only": [100], "split": "random"}
    named = {f"{suffix}_100": path for suffix, path in paths.items()}
    prepare(folder / "out", dataset, paths=named, memory_mb=MEMORY)
    read = mitdb_records.read(paths, ["MLII"])
    if not any(described["damage"].values()) and header["format"] == kind:
        zero, gain = _scale(header)
        expected = (values[::2] - zero) / gain
        np.testing.assert_allclose(read.signal[:, 0], expected)


def _header(fields: dict[str, str]) -> str:
    line = "{file} {format} {gain} {bits} {zero} {first} {sum} 0".format(**fields)
    lines = [f"{line} {name}" for name in ("MLII", fields["name"])]
    first = "{record} {leads} {rate} {samples}".format(**fields)
    return "\n".join([first, *lines, fields["end"]])


def _scale(fields: dict[str, str]) -> tuple[float, float]:
    gain = fields["gain"].partition("/")[0]
    zero = gain.partition("(")[2].rstrip(")") or fields["zero"]
    unit = {"V": 1e-3, "µV": 1e3}.get(fields["gain"].partition("/")[2], 1)
    return float(zero), (float(gain.partition("(")[0]) or 200) * unit


def _samples(values: Any, kind: str) -> bytes:
    if kind == "212":
        pairs = (values & 0xFFF).reshape(-1, 2)
        first, second = pairs[:, 0], pairs[:, 1]
        return np.stack([first & 255, first >> 8 | second >> 8 << 4, second & 255], 1).astype(np.uint8).tobytes()
    return {
        "16": values.astype("<i2"),
        "61": values.astype(">i2"),
        "80": (values + 128).astype("u1"),
        "160": (values + 32768).astype("<u2"),
    }[kind].tobytes()


def _annotations(described: dict[str, Any]) -> bytes:
    content, step = b"", described["first"]
    for number, code in enumerate(described["codes"]):
        if not 0 <= step < 1024:
            words = [59 << 10, step >> 16 & 0xFFFF, step & 0xFFFF]
            content, step = content + np.array(words, "<u2").tobytes(), 0
        content += np.array([step | code << 10], "<u2").tobytes()
        if number == 0 and described["note"]:
            note = described["note"].encode()
            content += np.array([len(note) | 63 << 10], "<u2").tobytes() + note + b"\0" * (len(note) % 2)
        step = described["step"]
    return content + b"\0\0"
