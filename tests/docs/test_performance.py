"""Benchmarks write their tables into a block of docs/performance.md, and nothing else of it changes."""

import shutil
from datetime import date

import pytest

from tests.bench import page
from tests.bench.__main__ import BENCHMARKS


def test_a_table_replaces_its_block_alone(tmp_path):
    copy = shutil.copy(page.PAGE, tmp_path / "performance.md")
    before = copy.read_text(encoding="utf-8")
    page.write(copy, "occlusion", "python -m tests.bench occlusion", "\n  new \\1 row\n", date(2026, 1, 2))
    after = copy.read_text(encoding="utf-8")
    marks = "<!-- bench: occlusion -->", "<!-- end of occlusion -->"
    assert before.split(marks[0])[0] == after.split(marks[0])[0]
    assert before.split(marks[1])[1] == after.split(marks[1])[1]
    block = after.split(marks[0])[1].split(marks[1])[0]
    assert block == "\n\n`python -m tests.bench occlusion`, 2026-01-02:\n\n```text\n  new \\1 row\n```\n\n"
    with pytest.raises(ValueError, match="0 blocks of nothing"):
        page.write(copy, "nothing", "", "", date(2026, 1, 2))


def test_every_benchmark_of_the_page_has_its_block():
    text = page.PAGE.read_text(encoding="utf-8")
    for name in set(BENCHMARKS) - page.WITHOUT_BLOCK:
        assert text.count(f"<!-- bench: {name} -->") == text.count(f"<!-- end of {name} -->") == 1, name
