"""Files that are merged over config.yaml by --configfile: changed values, and changed text."""

from __future__ import annotations

import copy
import datetime
import json
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st
from snakemake.utils import update_config

from pellucid import config, config_file
from tests.conftest import ROOT

WHOLE = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
NAMES = ("digits", "mnist", "digits_seeds")
BASE = {**WHOLE, "run": ["digits"], "experiments": {name: WHOLE["experiments"][name] for name in NAMES}}
# What a file of somebody's own may say, for the most part.
MINE = {
    "run": ["mine"],
    "threads": 2,
    "defaults": {"training": {"epochs": 3}, "methods": {"occlusion": {"window": 3}, "lime": False}},
    "experiments": {
        "mine": {
            "title": "Mine",
            "dataset": {"source": "digits"},
            "model": {"architecture": "digit_cnn", "dropout": 0.5},
            "split": {"folds": 5},
            "vary": {"training.learning_rate": [0.1, 0.01], "split.fold": "all"},
            "examples": {"per_class": 2, "target": "true"},
            "views": {"activations": {"sweep": {"layer": ["first", "last"]}}},
            "scores": {"sensitivity": {"samples": 3}},
        }
    },
}
TEXT = yaml.safe_dump(MINE, sort_keys=False)
KEYS = st.sampled_from(
    [
        "run",
        "mine",
        "occlusion",
        "sweep",
        "vary",
        "repeats",
        "file",
        "folder",
        "source",
        "window",
        "no",
        "ab\n",
        "{x}",
        "con",
        "seed",
        "1",
        1,
        0.5,
        None,
        True,
    ]  # fmt: skip
)
VALUES = st.recursive(
    st.one_of(
        st.sampled_from(
            [10**9, 10**400, -(10**18), float("nan"), float("inf"), 1e308, "~nobody/x", "http://[::1/x", "x" * 5000]
        ),
        st.sampled_from(
            [
                "a/" * 2400,
                "a\0b",
                "{a}\n",
                "no",
                "1:30",
                "1_000",
                "0o17",
                "",
                "http://u:p@h/x",
                "../..",
                "all",
                "ﬁ",
                "\u202e",
            ]
        ),
        st.sampled_from([datetime.date(2024, 1, 1), b"bytes", {"a"}, None, True, False, "saliency", "mnist", "table"]),
        st.integers(-2, 300),
        st.floats(0, 1),
        st.text(max_size=5),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=6,
)
PIECES = st.sampled_from(
    [
        "&a ",
        "*a",
        "<<: *a\n",
        "!!python/name:os.system ",
        "!!binary ",
        "!!set {a}",
        "__use_yte__: true\n",
        "---\n",
        "\t",
    ]
    + [
        "? [a]\n: b\n",
        "threads: 3\n",
        "run: [mine, mine]\n",
        "017",
        "1:30",
        "no: 1\n",
        "~: 1\n",
        "9" * 400,
        "2024-01-01",
    ]
    + [
        "[" * 100,
        "{a: " * 60,
        "'",
        '"\\ud800"',
        '"\\0"',
        "#",
        ": ",
        "- ",
        "\ufeff",
        "é",
        "%YAML 1.1\n",
        "\x85",
        "|\n",
        " ",
    ]
    + ["a: &a [x, x]\nb: &b [*a, *a, *a]\n", "pathvars: {a: b}\n", "1: a\n'1': b\n", "mine: {}\n", "\x00", "@", "`"]
)


@st.composite
def inputs(draw: Any) -> dict[str, Any]:
    """Values at places of a good file, or pieces of text at places of a good text."""
    if draw(st.booleans()):
        changes = st.tuples(st.integers(0, 40), VALUES)
        return {"values": draw(st.lists(changes, max_size=3)), "json": draw(st.integers(0, 4)) == 0}
    pieces = st.tuples(st.integers(0, len(TEXT)), st.integers(0, 3), PIECES)
    return {"pieces": draw(st.lists(pieces, min_size=1, max_size=2)), "encoding": draw(ENCODINGS)}


ENCODINGS = st.sampled_from(["utf-8"] * 8 + ["utf-16", "latin-1"])


def use(described: dict[str, Any], folder: Path) -> None:
    """Write the file, check it as the Snakefile does, and complete the configuration."""
    mine = folder / "mine.yaml"
    if "pieces" in described:
        text = TEXT
        for place, cut, piece in described["pieces"]:
            text = text[:place] + piece + text[place + cut :]
        mine.write_bytes(text.encode(described["encoding"], "replace"))
    else:
        content = copy.deepcopy(MINE)
        for place, value in described["values"]:
            _put(content, place, value)
        written = json.dumps(content, default=str, skipkeys=True) if described["json"] else yaml.safe_dump(content)
        mine.write_text(written, encoding="utf-8", errors="replace")
    config_file.check(mine)
    # What Snakemake does: first as JSON, then as YAML.
    text = mine.read_text(encoding="utf-8")
    try:
        content = json.loads(text)
    except ValueError:
        content = yaml.load(text, Loader=yaml.FullLoader)
    merged = copy.deepcopy(BASE)
    update_config(merged, content)
    config.resolve(merged)


def _put(content: Any, place: int, value: Any) -> None:
    """Write a value at one of the places of a configuration, in the order of its keys."""
    places = []

    def walk(inner: Any) -> None:
        for key in inner if isinstance(inner, dict) else range(len(inner)):
            places.append((inner, key))
            if isinstance(inner[key], dict | list):
                walk(inner[key])

    walk(content)
    inner, key = places[place % len(places)]
    inner[key] = value
