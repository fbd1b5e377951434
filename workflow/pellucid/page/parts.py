"""The parts of the page that are no Python: its HTML, its style and its script."""

from __future__ import annotations

from pathlib import Path

from pellucid import files

_FOLDER = Path(__file__).parent
TEMPLATE, STYLE = _FOLDER / "template.html", _FOLDER / "page.css"
# In this order they become one script, in which each sees what all others define: those first that do something as they
# are read, and at the end the one that starts.
SCRIPTS = tuple(
    _FOLDER / "script" / f"{name}.js"
    for name in (
        "content",
        "elements",
        "arrays",
        "source",
        "state",
        "order",
        "panels",
        "descriptions",
        "series",
        "axes",
        "images",
        "cursor",
        "zoom",
        "gestures",
        "controls",
        "form",
        "beside",
        "explorer",
        "csv",
        "tables",
        "start",
    )
)


def digest() -> str:
    """Return a digest of the parts, so that pages are written again when one of them changes."""
    return files.digest([files.sha256(part) for part in (TEMPLATE, STYLE, *SCRIPTS)])


def read() -> tuple[str, str, str]:
    """Return the HTML, the style and the script."""
    template, style = (part.read_text(encoding="utf-8") for part in (TEMPLATE, STYLE))
    scripts = "\n".join(part.read_text(encoding="utf-8") for part in SCRIPTS)
    return template, style, f'"use strict";\n(() => {{\n{scripts}}})();\n'
