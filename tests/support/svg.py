"""How the words of a figure are read."""

from __future__ import annotations

import re
from pathlib import Path


def words(path: Path) -> list[str]:
    """The texts of an SVG, in the order in which they were drawn; of one with formulas, its parts."""
    found = re.findall(r"<t(?:ext|span)[^>]*>([^<]+)<", path.read_text(encoding="utf-8"))
    return [text for text in found if text.strip()]
