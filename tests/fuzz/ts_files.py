"""The .ts files of the UCR and UEA archives: what is read has the values that the lines say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from pellucid.datasets import ucr_uea
from tests.fuzz import texts

_HEADS = (
    *("@timeStamps false", "@univariate true", "@equalLength true", "@equalLength false", "@classLabel true a b"),
    *(
        "@timeStamps true",
        "@univariate false",
        "@classLabel false",
        "@classLabel",
        "@targetLabel true",
        "@missing true",
    ),
    *(
        "# a comment",
        "% another",
        "@relation x",
        "@attribute a numeric",
        "@problemName \u202e" + "n" * 5000,
        "@",
        "@data 1",
    ),
)


@st.composite
def inputs(draw: Any) -> dict[str, Any]:
    """A head of which most lines are right, and series of one or two channels; then some damage."""
    channels, length = draw(st.integers(0, 2)) or 1, draw(st.integers(1, 5))
    head = ["@problemName Own", f"@univariate {str(channels == 1).lower()}", "@classLabel true a b"]
    head[draw(st.integers(0, 3)) : 3] = draw(st.lists(st.sampled_from(_HEADS), max_size=2))
    if draw(st.integers(0, 20)):
        head.append("@data")
    sizes = texts.sizes(draw)
    rows = []
    for row in range(draw(st.integers(0, 8))):
        own = length if draw(st.integers(0, 9)) else draw(st.integers(1, 6))
        series = [[next(sizes) for _ in range(own)] for _ in range(channels)]
        if draw(st.integers(0, 7)) == 0:
            series[draw(st.integers(0, channels - 1))][draw(st.integers(0, own - 1))] = draw(texts.cells)
        label = "ab"[row % 2] if draw(st.integers(0, 15)) else draw(texts.cells)
        rows.append(":".join([*(",".join(channel) for channel in series), label]))
    return {
        "content": texts.described_bytes(draw, "\n".join([*head, *rows]) + draw(st.sampled_from(["", "\n", "\n\n"]))),
        "lengths": draw(st.sampled_from(["refuse", "refuse", "pad", "crop"])),
        "missing": draw(st.sampled_from(["refuse", "refuse", "zero"])),
    }


def use(described: dict[str, Any], folder: Path) -> None:
    """Write the file as both parts of a set, read it, and compare its values with those of its lines."""
    files = {part: folder / f"Own_{part}.ts" for part in ("train", "test")}
    for file in files.values():
        file.write_bytes(described["content"])
    how = {key: described[key] for key in ("lengths", "missing")}
    raw = ucr_uea.load(files, np.random.default_rng(0), name="Own", folder=str(folder), **how)
    if set(how.values()) == {"refuse"}:
        content = described["content"]
        try:
            text = content.decode("utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
        lines = [line.strip(" \t\v\f") for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
        rows = [line for line in lines[[line.lower() for line in lines].index("@data") + 1 :] if line]
        series = [[[texts.number(cell) for cell in part.split(",")] for part in row.split(":")[:-1]] for row in rows]
        expected = np.array(series, np.float64).swapaxes(1, 2)
        np.testing.assert_array_equal(raw.test.x, expected.astype(raw.test.x.dtype))
