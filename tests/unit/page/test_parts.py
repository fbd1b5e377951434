"""The files that become the page's style and script: all of them are used, digested, and in the wheel."""

import re
import tomllib

import pytest

from pellucid.page import parts
from tests.conftest import ROOT

SCRIPTS = sorted((ROOT / "workflow" / "pellucid" / "page" / "script").iterdir())


def test_every_script_is_part_of_the_page_once():
    assert sorted(parts.SCRIPTS) == SCRIPTS
    _, _, script = parts.read()
    for path in SCRIPTS:
        assert script.count(path.read_text(encoding="utf-8")) == 1


def test_no_two_scripts_define_the_same_name():
    names = [
        name
        for path in SCRIPTS
        for name in re.findall(r"^(?:async )?(?:function|const|let) (\w+)", path.read_text(encoding="utf-8"), re.M)
    ]
    assert len(names) > 40 and len(set(names)) == len(names)


@pytest.mark.parametrize("place", range(len(parts.SCRIPTS) + 2))
def test_a_change_of_any_part_changes_the_digest(tmp_path, monkeypatch, place):
    every = [parts.TEMPLATE, parts.STYLE, *parts.SCRIPTS]
    before = parts.digest()
    every[place] = tmp_path / every[place].name
    every[place].write_bytes(b"changed")
    for name, value in (("TEMPLATE", every[0]), ("STYLE", every[1]), ("SCRIPTS", tuple(every[2:]))):
        monkeypatch.setattr(parts, name, value)
    assert parts.digest() != before


def test_the_wheel_holds_every_part():
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"][
        "pellucid.page"
    ]
    folder = parts.TEMPLATE.parent
    held = {path for pattern in patterns for path in folder.glob(pattern)}
    assert held == {parts.TEMPLATE, parts.STYLE, *parts.SCRIPTS}
