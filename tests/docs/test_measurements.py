"""Benchmarks write their tables into a block of a page in docs/measurements, and nothing else changes."""

import shutil
from datetime import date

import pytest

from tests.bench import page
from tests.bench.__main__ import BENCHMARKS


def test_a_table_replaces_its_block_alone(tmp_path):
    folder = shutil.copytree(page.FOLDER, tmp_path / "pages")
    before = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    page.write(folder, "occlusion", "python -m tests.bench occlusion", "\n  new \\1 row\n", date(2026, 1, 2))
    after = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert [name for name in before if before[name] != after[name]] == ["speed.md"]
    old, new = before["speed.md"], after["speed.md"]
    marks = "<!-- bench: occlusion -->", "<!-- end of occlusion -->"
    assert old.split(marks[0])[0] == new.split(marks[0])[0]
    assert old.split(marks[1])[1] == new.split(marks[1])[1]
    block = new.split(marks[0])[1].split(marks[1])[0]
    assert block == "\n\n`python -m tests.bench occlusion`, 2026-01-02:\n\n```text\n  new \\1 row\n```\n\n"
    with pytest.raises(ValueError, match="0 blocks of nothing"):
        page.write(folder, "nothing", "", "", date(2026, 1, 2))


def test_every_benchmark_that_is_shown_has_one_block():
    text = "".join(path.read_text(encoding="utf-8") for path in page.FOLDER.glob("*.md"))
    for name in set(BENCHMARKS) - page.WITHOUT_BLOCK:
        assert text.count(f"<!-- bench: {name} -->") == text.count(f"<!-- end of {name} -->") == 1, name
