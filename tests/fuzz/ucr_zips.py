"""Zips of the UCR and UEA archives: damaged, locked, with odd members, or unpacking to much more than they are."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

import aeon.datasets  # noqa: F401  (takes seconds, which no input shall pay)
import numpy as np
from hypothesis import strategies as st

from pellucid.datasets import ucr_uea
from tests.fuzz.damage import damaged, damages
from tests.fuzz.outcome import MEMORY
from tests.support.prepared import prepare

NAME = "GunPoint"
ODD = ["../../etc/passwd", "/etc/passwd", " ", "a" * 3000, "other/", f"__MACOSX/._{NAME}_TRAIN.ts", "x\\y.ts", "µ.txt"]


@st.composite
def inputs(draw: Any) -> dict[str, Any]:
    """A zip of which most can be read."""
    rare = draw(st.integers(0, 2)) == 0
    return {
        "folder": draw(st.sampled_from(["", "", f"{NAME}/", "../../"])),
        "odd": draw(st.lists(st.sampled_from(ODD), max_size=2, unique=True)),
        "packed": draw(st.sampled_from([0, 8, 8, 12, 14])),
        "locked": draw(st.booleans()) if rare else False,
        "method": draw(st.none() | st.sampled_from([1, 6, 9, 93, 99])) if rare else None,
        "part": draw(st.sampled_from(["plain"] * 8 + ["absent", "twice", "folder", "zip", "bomb", "empty"])),
        "damage": draw(damages()) if rare else None,
        "seed": draw(st.integers(0, 9)),
    }


def use(described: dict[str, Any], folder: Path) -> None:
    """Write the zip, prepare its data, and compare them with what was written."""
    path = folder / f"{NAME}.zip"
    values = np.random.default_rng(described["seed"]).integers(-99, 99, (2, 20, 6)) / 8
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", described["packed"]) as archive:
        for odd in described["odd"]:
            archive.writestr(odd, b"x")
        archive.writestr(f"{described['folder']}{NAME}_TRAIN.ts", _ts(values[0]))
        for place, content in _test(described["part"], _ts(values[1])):
            archive.writestr(
                f"{described['folder']}{place}{NAME}_TEST.ts{'/' if content is None else ''}", content or b""
            )
    content = buffer.getvalue()
    if described["locked"]:
        content = _marked(content, flag=1)
    if described["method"] is not None:
        content = _marked(content, method=described["method"])
    path.write_bytes(damaged(content, described["damage"]))
    dataset = {"source": "ucr_uea", "name": NAME}
    prepare(folder / "out", dataset, paths={"archive": path}, memory_mb=MEMORY)
    with zipfile.ZipFile(path) as archive:
        assert len([one for one in archive.namelist() if PurePosixPath(one).name == f"{NAME}_TEST.ts"]) == 1
    read = ucr_uea.load({"archive": path}, np.random.default_rng(0), name=NAME)
    assert read.test is not None
    for part, written in zip((read.train, read.test), values, strict=True):
        np.testing.assert_array_equal(part.x[:, :, 0], written)


def _ts(values: Any) -> bytes:
    head = "@problemName x\n@timestamps false\n@univariate true\n@equalLength true\n@seriesLength 6\n@classLabel true a b\n@data\n"
    rows = [",".join(f"{value}" for value in row) + f":{'ab'[number % 2]}\n" for number, row in enumerate(values)]
    return (head + "".join(rows)).encode()


def _test(part: str, content: bytes) -> list[tuple[str, bytes | None]]:
    """Place and content of the members that might be the test part; None for a folder."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("x", content)
    return {
        "plain": [("", content)],
        "absent": [],
        "twice": [("a/", content), ("b/", content[:-10])],
        "folder": [("", None)],
        "zip": [("", inner.getvalue())],
        "bomb": [("", content + bytes(17_000_000))],
        "empty": [("", b"")],
    }[part]


def _marked(content: bytes, flag: int | None = None, method: int | None = None) -> bytes:
    """The zip, whose members say that they are locked, or packed in another way."""
    changed = bytearray(content)
    for magic, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        start = -1
        while (start := content.find(magic, start + 1)) >= 0:
            if flag is not None:
                changed[start + at] |= flag
            if method is not None:
                changed[start + at + 2] = method
    return bytes(changed)
