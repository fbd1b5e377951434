"""Folders of images: formats, modes and sizes of all kinds, pictures that are damaged, and files that are none."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from pellucid.datasets import images
from tests.fuzz.damage import damaged, damages
from tests.fuzz.outcome import MEMORY
from tests.support.prepared import prepare

FORMATS = [
    "PNG",
    "BMP",
    "TIFF",
    "GIF",
    "PPM",
    "JPEG",
    "WEBP",
    "JPEG2000",
    "ICO",
    "SGI",
    "PCX",
    "TGA",
    "EPS",
    "PDF",
    "IM",
]
MODES = ["L", "RGB", "P", "1", "LA", "RGBA", "CMYK", "I;16", "I", "F", "YCbCr", "LAB", "HSV"]
SIZES = [(9, 9), (8, 12), (64, 48), (1, 1), (1, 3000), (3000, 1)]
OTHERS = {
    "text.png": b"hello",
    "empty.png": b"",
    "entities.svg": b'<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><svg>&b;</svg>',
    "program.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n(/etc/passwd) run showpage\n",
    ".hidden": b"x",
    "Thumbs.db": b"x",
    "ä\udcff.png": b"x",
}


@st.composite
def inputs(draw: Any) -> dict[str, Any]:
    """A few images of which most can be read, one of them odd."""
    rare = draw(st.integers(0, 2)) == 0
    return {
        "format": draw(st.sampled_from(FORMATS if rare else FORMATS[:4])),
        "mode": draw(st.sampled_from(MODES if rare else MODES[:6])),
        "size": draw(st.sampled_from(SIZES)),
        "orientation": draw(st.sampled_from([1, 1, 1, 3, 6, 8, 99])),
        "frames": draw(st.sampled_from([1, 1, 1, 1, 1, 2])),
        "announced": draw(st.none() | st.sampled_from([0, 1, 5000, 30_000, 2**31 - 1])) if rare else None,
        "link": draw(st.sampled_from(["", "", "", "", "loop", "nowhere", "folder", "file"])),
        "other": draw(st.sampled_from([""] * 6 + list(OTHERS))),
        "fit": draw(st.sampled_from(["crop", "stretch"])),
        "damage": draw(damages()),
    }


def use(described: dict[str, Any], folder: Path) -> None:
    """Write the images, prepare them, and compare the odd one with what Pillow reads."""
    rng = np.random.default_rng(0)
    place = folder / "images"
    for number in range(10):
        path = place / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (8, 8)).astype(np.uint8)).save(path)
    odd = place / "a" / "odd.png"
    odd.write_bytes(damaged(_content(described, rng), described["damage"]))
    if described["other"]:
        (place / "a" / described["other"]).write_bytes(OTHERS[described["other"]])
    if link := described["link"]:
        target = {"loop": "link", "nowhere": "absent", "folder": str(place / "b"), "file": str(odd)}[link]
        (place / "a" / "link").symlink_to(target)
    dataset = {"source": "images", "folder": str(place), "size": [8, 8], "fit": described["fit"]}
    prepare(folder / "out", dataset, memory_mb=MEMORY)
    read = images.read(odd, (8, 8), fit="stretch", grey=True)[:, :, 0]
    with Image.open(odd) as image:
        if image.mode in ("L", "1") and image.getexif().get(0x0112, 1) == 1 and image.format == "PNG":
            expected = np.asarray(image.convert("L").resize((8, 8), Image.Resampling.BILINEAR)) / 255
            if "transparency" not in image.info:
                np.testing.assert_allclose(read, expected, atol=1e-6)


def _content(described: dict[str, Any], rng: np.random.Generator) -> bytes:
    if described["announced"] is not None:
        return _png(described["announced"])
    width, height = described["size"]
    plain = Image.fromarray(rng.integers(0, 255, (height, width, 3)).astype(np.uint8))
    modes = {"I;16": "I"}
    try:
        image = plain.convert("L").convert(modes.get(described["mode"], described["mode"])).convert(described["mode"])
        exif = Image.Exif()
        exif[0x0112] = described["orientation"]
        more = {"save_all": True, "append_images": [image]} if described["frames"] > 1 else {}
        buffer = io.BytesIO()
        image.save(buffer, described["format"], **more, **({"exif": exif} if described["format"] != "ICO" else {}))
    except (ValueError, OSError, KeyError):  # a mode that the format does not have
        buffer = io.BytesIO()
        plain.save(buffer, "PNG")
    return buffer.getvalue()


def _png(size: int) -> bytes:
    """A .png that announces so many pixels along both sides, and holds a few or none."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", size, size, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(min(size, 10_000) * (min(size, 10_000) // 8 + 1)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
