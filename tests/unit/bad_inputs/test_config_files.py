"""Configuration files that are refused as texts, before Snakemake reads them."""

import json
import time

import pytest
import yaml

from pellucid.config import check, file_text, plain_values, resolution
from pellucid.config.resolution import ConfigError
from pellucid.errors import InputError
from tests.conftest import ROOT


def bomb(first, each):
    """Ten levels, of which each holds the one before ten times."""
    lines = [f"a0: &a0 {first}"]
    return "\n".join([*lines, *(f"a{n}: &a{n} {each(f'*a{n - 1}')}" for n in range(1, 10))])


REFUSED = [
    ("a bomb of lists", bomb("[x]", lambda alias: f"[{', '.join([alias] * 10)}]"), "line 6", "25,000"),
    ("a bomb of maps", bomb("{x: 1}", lambda alias: "{" + ", ".join(f"k{n}: {alias}" for n in range(10)) + "}"), "line 6", "25,000"),
    ("a bomb of merges", bomb("{x: 1}", lambda alias: f"{{<<: [{', '.join([alias] * 10)}]}}"), "line 6", "25,000"),
    ("many values", f"a: [{'1, ' * 60_000}]", "line 1: a", "25,000"),
    ("a deep list", "a: " + "[" * 3000 + "]" * 3000, "a.0.0", "40 levels"),
    ("a deep map", "{a: " * 3000 + "1" + "}" * 3000, "a.a.a", "40 levels"),
    ("depth by anchors", "\n".join(["a0: &a0 [1]", *(f"a{n}: &a{n} [[*a{n - 1}]]" for n in range(1, 30))]), "a20", "40 levels"),
    ("a list in itself", "a: &a [*a]", "found *a", "anchor before"),
    ("a map in itself", "a: &a {b: *a}", "found *a", "anchor before"),
    ("an unknown alias", "a: *b", "found *b", "anchor before"),
    ("400 digits", "threads: " + "9" * 400, "threads: found a whole number of 400", "less than"),
    ("5,000 digits", "threads: " + "9" * 5000, "threads: found a text of 5,000", "4,000"),
    ("a long key", "? " + "k" * 5000 + "\n: 1", "a text of 5,000", "4,000"),
    ("code", "__use_yte__: true\n__definitions__: [import os]", "__use_yte__", "values alone"),
    ("code, merged", "<<: {__use_yte__: true}", "__use_yte__", "values alone"),
    ("code, spelt otherwise", '"\\x5f_use_yte__": true', "__use_yte__", "values alone"),
    ("code, in JSON", '{"__use_yte__": true}', "__use_yte__", "values alone"),
    ("other folders for results", "pathvars: {results: /tmp}", "pathvars", "values alone"),
    ("a function", "a: !!python/name:os.system", "!!python/name:os.system", "without a tag"),
    ("an object", "a: !!python/object/apply:os.system [ls]", "!!python/object", "without a tag"),
    ("bytes", "a: !!binary aGk=", "!!binary", "without a tag"),
    ("a set", "a: !!set {b}", "!!set", "without a tag"),
    ("a tag of one's own", "a: !mine 3", "!mine", "without a tag"),
    ("a date", "a: {b: 2024-01-01}", 'line 1: a.b: found "2024-01-01"', "quotes"),
    ("a date for a key", "a: {2024-01-01: b}", "2024-01-01", "quotes"),
    ("no for a key", "class_names: {no: Normal}", "the key no", "quotes"),
    ("nothing for a key", "~: 3", "the key ~", "quotes"),
    ("a fraction for a key", "0.5: 3", "the key 0.5", "quotes"),
    ("a list for a key", "? [a]\n: 3", "a list", "a name"),
    ("minutes and seconds", "a: [1:30]", "1:30, which YAML reads as 90", '"1:30"'),
    ("an octal number", "a: 017", "017, which YAML reads as 15", '"017"'),
    ("a hexadecimal number", "a: 0x1F", "0x1F, which YAML reads as 31", '"0x1F"'),
    ("underscores", "a: 1_000", "1_000, which YAML reads as 1000", '"1_000"'),
    ("a key twice", "a: 1\nb: {c: 1,\n d: 2,\n c: 3}", 'b: found the key "c" twice, in line 2 and line 4', "once"),
    ("a number and its text", "a: {1: x, '1': y}", 'the key "1" twice', "once"),
    ("two merges", "a: &a {x: 1}\nb: {<<: *a, <<: *a}", 'the key "<<" twice', "once"),
    ("a key twice in JSON", '{"a": {"b": 1, "b": 2}}', 'the key "b" twice', "once"),
    ("JSON of a list", "[1]", "no keys", "a mapping"),
    ("deep JSON", "[" * 100_000 + "]" * 100_000, "nested", "40 levels"),
    ("deep JSON of maps", '{"a":' * 500 + "1" + "}" * 500, "a.a.a", "40 levels"),
    ("nothing", "", "no keys", "a mapping"),
    ("a remark alone", "# a", "no keys", "a mapping"),
    ("a text", "hello", "no keys", "a mapping"),
    ("a list at the top", "- a", "no keys", "a mapping"),
    ("two documents", "a: 1\n---\na: 2", "line 2", "one document"),
    ("an open bracket", "a: [1", "neither YAML nor JSON", "YAML"),
    ("a tab", "a:\n\tb: 1", "line 2: found what is neither YAML nor JSON", "no tabs"),
    ("NUL", "a: \x00", "neither YAML nor JSON", "YAML"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "first", "then"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_text_that_is_refused(tmp_path, text, first, then):
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    started = time.perf_counter()
    with pytest.raises(InputError) as told:
        file_text.check(file)
    assert time.perf_counter() - started < 10
    assert first in str(told.value)
    assert then in str(told.value)
    assert str(told.value).startswith(str(tmp_path))


@pytest.mark.parametrize("content", ["threads: 1 # é".encode("latin-1"), "threads: 1".encode("utf-16"), b"\xff"])
def test_what_is_not_utf_8_is_refused(tmp_path, content):
    (tmp_path / "mine.yaml").write_bytes(content)
    with pytest.raises(InputError, match="UTF-8"):
        file_text.check(tmp_path / "mine.yaml")


def test_large_files_folders_and_missing_files_are_refused_unread(tmp_path):
    with (tmp_path / "large.yaml").open("wb") as file:
        file.truncate(10**11)
    with pytest.raises(InputError, match="100,000,000,000 bytes"):
        file_text.check(tmp_path / "large.yaml")
    for name in (".", "none.yaml", "/dev/zero", "x" * 300):
        with pytest.raises(InputError):
            file_text.check(tmp_path / name)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [1, 2]\nb: {<<: &c {d: 1}, e: *a}\nf: *c",
        "a: !!str 017\nb: '1:30'\nc: 1.5e+3\nd: .5\ne: yes\nf: ~\ng: 0o17\nh: -3\n1: x",
        "\ufeffa: 1",
        '{"a": [1, 2.5, null, true],\n\t"b": "\\ud83d\\ude00"}',
        "---\na: 1\n...\n",
    ],
)
def test_a_text_that_is_taken(tmp_path, text):
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    file_text.check(tmp_path / "mine.yaml")


def test_the_projects_own_file_is_taken():
    file_text.check(ROOT / "config.yaml")


@pytest.mark.parametrize(
    "entries",
    [
        ["experiments={a: {seed: 1, seed: 2}}"],
        ["threads=1", "threads=2"],
        ["own={label: 1}", "own={label: 2}"],
        ["run=[a]", "run=[b]"],
        [f"run={'[' * 100}a{']' * 100}"],
        ["a=[&a [*a]]"],
    ],
)
def test_entries_of_the_command_line_that_say_a_thing_twice(entries):
    with pytest.raises(InputError):
        file_text.check_entries(entries)


def test_entries_of_the_command_line_that_are_taken():
    file_text.check_entries(None)
    file_text.check_entries(
        ["threads=1", "own={label: 1}", "own={file: a}", "threads=1", "run=[a, b]", "title=a: b: c"]
    )


def test_the_files_of_the_command_line_are_found_among_its_words(tmp_path):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("threads: 1")
    bad.write_text("threads: 1\nthreads: 2")
    taken = (
        ["-n", "--configfile", str(good), "--", str(bad)],
        ["--configfiles", str(good), "--rerun-triggers", str(bad)],
        ["--configfile", str(good), "-s", str(bad), "-d", str(tmp_path)],
    )
    for words in taken:
        file_text.check_arguments(words)
    for words in (["--configfile", str(good), str(bad)], ["-n", f"--configfile={bad}"], ["--configf", str(bad), "-n"]):
        with pytest.raises(InputError, match="twice"):
            file_text.check_arguments(words)


@pytest.mark.parametrize(
    "value", [10**400, -(10**5000), "x" * 4001, "a\0b", "\ud800", b"x", {1}, print, [[]] * 25_001, {None: 1}, {True: 1}, {1: "a", "1": "b"}], ids=type
)  # fmt: skip
def test_values_that_are_refused(value):
    with pytest.raises(InputError):
        plain_values.plain({"a": value})


def test_a_value_in_itself_is_refused():
    itself = []
    itself.append(itself)
    for value in (itself, {"a": itself}):
        with pytest.raises(InputError, match="nested"):
            plain_values.plain(value)


def test_a_configuration_is_told_in_few_short_lines():
    content = {"run": ["a"], "experiments": {"a": 1}} | {f"{'k' * 900}{n}": 1 for n in range(50)}
    with pytest.raises(ConfigError) as told:
        resolution.resolve(content)
    assert all(len(fault) <= 500 for fault in told.value.faults)
    many = ConfigError([f"a{n}: found {'x' * 1000}\n; expected less." for n in range(100)])
    assert len(many.faults) == 21
    assert all(len(fault) <= 500 and "\n" not in fault for fault in many.faults)
    assert "80 more" in many.faults[-1]


def test_files_of_others_are_checked_by_a_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    own = {
        "run": ["a"],
        "experiments": {"a": {"dataset": {"source": "digits"}, "model": {"architecture": "digit_cnn"}}},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(own))
    (tmp_path / "mine.json").write_text(json.dumps({"threads": 2}))
    assert check.main(["mine.json"]) == 0
    # Tabs are no blanks to YAML: JSON is read as Snakemake reads it.
    (tmp_path / "mine.json").write_text(json.dumps({"threads": 2}, indent="\t"))
    assert check.main(["mine.json"]) == 0
    (tmp_path / "theirs.yaml").write_text("threads: 0")
    assert check.main(["mine.json", "theirs.yaml"]) == 1
    assert "threads: found 0" in capsys.readouterr().err
    (tmp_path / "theirs.yaml").write_text("__use_yte__: true")
    assert check.main(["theirs.yaml"]) == 1
