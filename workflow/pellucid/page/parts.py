"""The parts of the page that are no Python: its HTML, its style and its script."""

from __future__ import annotations

from pathlib import Path

from pellucid import files

PARTS = tuple(Path(__file__).with_name(name) for name in ("template.html", "page.css", "page.js"))


def digest() -> str:
    """Return a digest of the parts, so that pages are written again when one of them changes."""
    return files.digest([files.sha256(part) for part in PARTS])


def read() -> tuple[str, str, str]:
    """Return the HTML, the style and the script."""
    template, style, script = (part.read_text(encoding="utf-8") for part in PARTS)
    return template, style, script
