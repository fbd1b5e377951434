"""Files that are merged over config.yaml by --configfile: changed values, and changed text."""

from __future__ import annotations

import copy
import datetime
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st
from snakemake.utils import update_config

from pellucid.config import file_text, resolution
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
            "sweep": {"training.learning_rate": [0.1, 0.01], "split.fold": "all"},
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
        "sweep",
        "repeats",
        "file",
        "folder",
        "source",
        "window",
        "no",
        "ab\n",
        "con",
        1,
        0.5,
        None,
        True,
    ]
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
# Pieces of YAML, one a line.
PIECES = (
    r"""
&a |*a|<<: *a\n|!!python/name:os.system |!!binary |!!set {a}|__use_yte__: true\n|pathvars: {a: b}\n|---\n|%YAML 1.1\n
? [a]\n: b\n|threads: 3\n|run: [mine, mine]\n|no: 1\n|~: 1\n|1: a\n'1': b\n|mine: {}\n|a: &a [x, x]\nb: &b [*a, *a]\n
017|1:30|1_000|2024-01-01|9e999|"\\ud800"|"\\0"|\t|'|#|: |- |@|`|\x85|\x00|\ufeff|\u00e9|\n | """.strip("\n")
    .replace("\n", "|")
    .encode()
    .decode("unicode_escape")
    .split("|")
)
ENDS = ["", "x", "\n", "{a}", "/", "é", "\0", " ", "_" * 300, "\ud800", "]", "<b>", "\u2028"]
PIECES += ["9" * 400, "[" * 100, "{a: " * 60, "x" * 5000]


# Where a line, a value or an entry of a list begins.
PLACES = [match.end() for match in re.finditer(r"\n *|: |- ", TEXT)]
ENCODINGS = st.sampled_from(["utf-8"] * 8 + ["utf-16", "latin-1"])


@st.composite
def inputs(draw: Any) -> dict[str, Any]:
    """Values at places of a good file, most of them much like those before; or pieces of text at places of a good text."""
    kind = draw(st.sampled_from(["altered", "altered", "values", "pieces"]))
    place = st.integers(0, 40)
    if kind == "pieces":
        pieces = st.tuples(st.sampled_from(PLACES), st.sampled_from(PIECES))
        return {"pieces": draw(st.lists(pieces, max_size=2)), "encoding": draw(ENCODINGS)}
    value = VALUES if kind == "values" else st.tuples(st.integers(0, 20), st.sampled_from(ENDS))
    return {
        kind: draw(st.lists(st.tuples(place, value), min_size=1, max_size=2)),
        "json": draw(st.integers(0, 4)) == 0,
    }


def use(described: dict[str, Any], folder: Path) -> None:
    """Write the file, check it as the Snakefile does, and complete the configuration."""
    mine = folder / "mine.yaml"
    if "pieces" in described:
        text = TEXT
        for place, piece in described["pieces"]:
            text = text[:place] + piece + text[place:]
        mine.write_bytes(text.encode(described["encoding"], "replace"))
    else:
        content = copy.deepcopy(MINE)
        for place, value in described.get("values", ()):
            _change(content, place, lambda old, value=value: value)
        for place, (power, end) in described.get("altered", ()):
            _change(content, place, lambda old, power=power, end=end: _altered(old, power, end))
        written = json.dumps(content, default=str, skipkeys=True) if described["json"] else yaml.safe_dump(content)
        mine.write_text(written, encoding="utf-8", errors="replace")
    file_text.check(mine)
    # What Snakemake does: first as JSON, then as YAML.
    text = mine.read_text(encoding="utf-8")
    try:
        content = json.loads(text)
    except ValueError:
        content = yaml.load(text, Loader=yaml.FullLoader)
    merged = copy.deepcopy(BASE)
    update_config(merged, content)
    resolution.resolve(merged)


def _altered(value: Any, power: int, end: str) -> Any:
    if isinstance(value, list):
        return [*value, _altered(value[0], power, end)]
    if isinstance(value, dict):
        return {**value, end: {}} if power > 15 else dict(reversed(value.items()))
    if isinstance(value, bool | str):
        return f"{value}{end}" if power > 5 else value
    return type(value)(value * 10**power) if power < 18 else -value


def _change(content: Any, place: int, change: Callable[[Any], Any]) -> None:
    """Change one of the values of a configuration, counted in the order of its keys."""
    places = []

    def walk(inner: Any) -> None:
        for key in inner if isinstance(inner, dict) else range(len(inner)):
            places.append((inner, key))
            if isinstance(inner[key], dict | list):
                walk(inner[key])

    walk(content)
    inner, key = places[place % len(places)]
    inner[key] = change(inner[key])
