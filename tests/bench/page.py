"""Write what a benchmark printed into docs/performance.md, so that no measured number is typed by hand."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

# Benchmarks that the page shows no output of.
WITHOUT_BLOCK = frozenset({"coverage", "freqrise", "ranks", "slurm"})
# Exit code of a benchmark that cannot be measured here: its block stays as it is.
LEFT_OUT = 3
PAGE = Path(__file__).resolve().parents[2] / "docs" / "performance.md"


def write(page: Path, name: str, command: str, text: str, day: date) -> None:
    """Replace the block of one benchmark by its output, command and date.

    The block lies between `<!-- bench: NAME -->` and `<!-- end of NAME -->`; the rest of the page stays as it is.

    Raises:
        ValueError: the page does not have exactly one block of this name.
    """
    begin, end = f"<!-- bench: {name} -->", f"<!-- end of {name} -->"
    body = f"{begin}\n\n`{command}`, {day:%Y-%m-%d}:\n\n```text\n{text.strip(chr(10))}\n```\n\n{end}"
    content, blocks = re.subn(
        f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: body, page.read_text(encoding="utf-8"), flags=re.DOTALL
    )
    if blocks != 1:
        raise ValueError(f"{page}: {blocks} blocks of {name}, not one")
    page.write_text(content, encoding="utf-8")
