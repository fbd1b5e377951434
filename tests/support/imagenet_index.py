"""A class index in the layout of ImageNet's: a thousand numbers, each with an identifier and a name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# Where the published index has them: the two photographs' classes, and two classes of one name.
KNOWN = {
    134: ["n02012849", "crane"],
    517: ["n03126707", "crane"],
    698: ["n03877845", "palace"],
    985: ["n11939491", "daisy"],
}


def content() -> dict[str, Any]:
    """The entries, all but the known ones made here."""
    return {str(number): KNOWN.get(number, [f"n{number:08d}", f"made_here_{number}"]) for number in range(1000)}


def write(path: Path) -> Path:
    """Write the entries as JSON."""
    path.write_text(json.dumps(content()), encoding="utf-8")
    return path
