"""`.keras` files: what planning takes for a model that can be explained."""

from __future__ import annotations

import copy
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from hypothesis import strategies as st

from pellucid import plugins
from pellucid.models import keras_file
from tests.support import keras_archives

ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1, 3, 2.5, 10**9, 10**18, 10**308, float("nan"), float("inf"), -float("inf"), "", "5", "input",
    "conv", "x" * 5000, "a\nb", "\u202e", [], {}, [1, 2], [[]], [None], {"class_name": "Lambda", "config": {}},
    {"class_name": "__keras_tensor__", "config": {}}, {"class_name": "Dense", "config": {"name": "new", "units": 10**12}},
)  # fmt: skip
CONFIGS = ("put", "drop", "twice", "reversed", "many", "wrapped", "exponential")
TEXTS = ("cut", "not utf-8", "utf-16", "digits", "deep", "list", "commas", "nothing")
ZIPS = (
    "before",
    "behind",
    "comment",
    "twice",
    "entry",
    "compressed",
    "encrypted",
    "flip",
    "link",
    "cut",
    "two",
    "sizes",
)
HELD = ("soft", "external link", "external", "virtual", "objects", "huge", "circle", "cut", "flip", "empty", "text")


@st.composite
def inputs(draw: Any) -> dict[str, Any]:
    """A small valid model, and a few things that are wrong with its file, or nothing."""
    kinds = (("config", CONFIGS), ("config", CONFIGS), ("text", TEXTS), ("zip", ZIPS), ("held", HELD))
    faults = []
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2, 3]))):
        where, which = draw(st.sampled_from(kinds))
        numbers = st.integers(0, 10**6)
        faults.append((where, draw(st.sampled_from(which)), draw(numbers), draw(st.integers(0, len(ODD) - 1))))
    return {"model": draw(st.sampled_from(["sequential", "functional"])), "faults": faults}


def use(described: dict[str, Any], folder: Path) -> None:
    """Write the file and ask what planning asks of it."""
    path = folder / "model.keras"
    config = getattr(keras_archives, described["model"])()
    for _, fault, place, odd in (one for one in described["faults"] if one[0] == "config"):
        config = changed(config, fault, place, copy.deepcopy(ODD[odd]))
    text = json.dumps(config).encode()
    for _, fault, place, _odd in (one for one in described["faults"] if one[0] == "text"):
        text = written(text, fault, place)
    held = [one for one in described["faults"] if one[0] == "held"]
    keras_archives.write(path, text, stored(held[0][1], held[0][2]) if held else None)
    for _, fault, place, _odd in (one for one in described["faults"] if one[0] == "zip"):
        packed(path, fault, place)
    keras_file.features(**{**plugins.defaults(keras_file), "file": str(path), "classes": ("a", "b")})


def places(content: Any) -> Iterator[tuple[Any, Any]]:
    """Every place inside a JSON content, as what holds it and its key."""
    for key in list(content) if isinstance(content, dict) else range(len(content)):
        yield content, key
        if isinstance(content[key], dict | list):
            yield from places(content[key])


def changed(config: Any, fault: str, place: int, odd: Any) -> Any:
    """A configuration with one fault."""
    found = list(places(config))
    if not found:
        return odd
    holder, key = found[place % len(found)]
    layers = config.get("config", {}).get("layers") if isinstance(config.get("config"), dict) else None
    if fault == "put":
        holder[key] = odd
    elif fault == "drop":
        del holder[key]
    elif fault == "twice" and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[key]))
    elif fault == "wrapped":
        for _ in range(place % 200):
            holder[key] = [holder[key]]
    elif isinstance(layers, list) and layers:
        if fault == "reversed":
            layers.reverse()
        elif fault == "many":
            layers[1:1] = [copy.deepcopy(layers[1 % len(layers)]) for _ in range(place % 500)]
        elif fault == "exponential":
            config["config"]["layers"] = nested(place % 60)
    return config


def nested(depth: int) -> list[Any]:
    """Layers that are models inside each other, each of which uses the next one twice."""
    layers = keras_archives.sequential()["config"]["layers"]
    inner = layers[1]
    for level in range(depth):
        inner = keras_archives.layer("Sequential", f"level_{level}", module="keras", layers=[inner, inner])
        if len(json.dumps(inner)) > 10**4:
            break
    return [layers[0], inner, *layers[2:]]


def written(text: bytes, fault: str, place: int) -> bytes:
    """The text of a configuration with one fault."""
    at = place % max(len(text), 1)
    made = {
        "cut": text[:at],
        "not utf-8": text[:at] + b"\xff\xe9" + text[at:],
        "utf-16": text.decode("utf-8", "replace").encode("utf-16"),
        "digits": text.replace(b": 2", b": " + b"9" * (place % 5000 + 1)),
        "deep": b"[" * (place % 200_000) + text,
        "list": b"[" + text + b"]",
        "commas": b"[" + b"0," * (place * 2) + b"0]",
        "nothing": b"",
    }
    return made[fault]


def packed(path: Path, fault: str, place: int) -> None:
    """Change an archive by one fault."""
    raw = bytearray(path.read_bytes())
    at = place % max(len(raw), 1)
    name = ("assets/words.txt", "../out", "/etc/out", "config.json/", "CONFIG.JSON", "model.weights.npz")[place % 6]
    if fault in ("before", "behind"):
        more = (b"\x89HDF\r\n\x1a\n", b"x" * 512, bytes(raw))[place % 3]
        raw = bytearray(more) + raw if fault == "before" else raw + more
    elif fault == "flip":
        raw[at] ^= 1 << place % 8
    elif fault == "cut":
        raw = raw[:at]
    elif fault == "two":
        raw = raw + raw[-22:]
    elif fault == "sizes" and (start := raw.rfind(b"PK\x01\x02")) >= 0:
        raw[start + 20 + place % 8] ^= 1 << place % 8
    elif fault == "encrypted" and (start := raw.rfind(b"PK\x01\x02")) >= 0:
        raw[start + 8] |= 1
    if fault in ("before", "behind", "flip", "cut", "two", "sizes", "encrypted"):
        path.write_bytes(raw)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            contents = {entry: archive.read(entry) for entry in archive.namelist()}
    except Exception:  # a file that an earlier fault has made unreadable
        return
    kind = zipfile.ZIP_DEFLATED if fault == "compressed" else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", kind) as archive:
        for entry, content in contents.items():
            archive.writestr(entry, content)
        if fault == "twice":
            archive.writestr("config.json", contents.get("config.json", b""))
        elif fault == "entry":
            archive.writestr(name, b"x")
        elif fault == "link":
            information = zipfile.ZipInfo(name)
            information.external_attr = 0o120777 << 16
            archive.writestr(information, "/etc/hostname")
        elif fault == "comment":
            archive.comment = b"PK\x05\x06" * (place % 20)


def stored(fault: str, place: int) -> bytes:
    """A weights file with one fault."""

    def change(file: h5py.File) -> None:
        if fault == "soft":
            file["soft"] = h5py.SoftLink("/layers")
        elif fault == "external link":
            file["elsewhere"] = h5py.ExternalLink("/etc/hostname", "/")
        elif fault == "external":
            file.create_dataset("outside", (4,), "u1", external=[("/etc/hostname", 0, 4)])
        elif fault == "virtual":
            layout = h5py.VirtualLayout((4,), "f4")
            layout[:] = h5py.VirtualSource("/etc/hostname", "x", (4,))
            file.create_virtual_dataset("virtual", layout)
        elif fault == "objects":
            file.create_dataset("objects", data=["a", "b"], dtype=h5py.string_dtype())
        elif fault == "huge":
            file.create_dataset("huge", (10**6, 1 + place), "f4", chunks=(10**3, 1), compression="gzip")
        elif fault == "circle":
            file["layers/again"] = file["layers"]
        elif fault == "empty":
            del file["layers"]
        elif fault == "text":
            file["text"] = np.bytes_(b"a")

    raw = bytearray(keras_archives.weights(change))
    if fault == "cut":
        return bytes(raw[: place % len(raw)])
    if fault == "flip":
        raw[place % len(raw)] ^= 1 << place % 8
    return bytes(raw)
