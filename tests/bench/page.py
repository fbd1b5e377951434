"""Write what a benchmark printed into a page of docs/measurements, so that no measured number is typed by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

# Benchmarks of which no page shows the output.
WITHOUT_BLOCK = frozenset({"coverage", "freqrise", "ranks", "slurm"})
# Exit code of a benchmark that cannot be measured here: its block stays as it is.
LEFT_OUT = 3
FOLDER = Path(__file__).resolve().parents[2] / "docs" / "measurements"


def write(folder: Path, name: str, command: str, text: str, day: date) -> None:
    """Replace the block of one benchmark by its output, command and date.

    The block lies between `<!-- bench: NAME -->` and `<!-- end of NAME -->`; everything else stays as it is.

    Args:
        folder: of the pages.
        name: of the benchmark.
        command: that prints the text.
        text: what the benchmark printed.
        day: on which it did.

    Raises:
        ValueError: the pages do not have exactly one block of this name.
    """
    begin, end = f"<!-- bench: {name} -->", f"<!-- end of {name} -->"
    pages = {page: page.read_text(encoding="utf-8") for page in sorted(folder.glob("*.md"))}
    blocks = [page for page, content in pages.items() for _ in range(content.count(begin))]
    if len(blocks) != 1:
        raise ValueError(f"{folder}: {len(blocks)} blocks of {name}, not one")
    before, rest = pages[blocks[0]].split(begin)
    body = f"\n\n`{command}`, {day:%Y-%m-%d}:\n\n```text\n{text.strip(chr(10))}\n```\n\n"
    blocks[0].write_text(f"{before}{begin}{body}{end}{rest.partition(end)[2]}", encoding="utf-8")
