"""The pages that people read, and what stands in them."""

import re
import shlex

from tests.conftest import ROOT

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
PAGES = [page for page in PAGES if "_build" not in page.parts]


def name(page):
    return str(page.relative_to(ROOT))


def without_code(text):
    """A page without its blocks of code and its code in sentences."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^( *)```.*?^\1```", "", text, flags=re.MULTILINE | re.DOTALL))


def blocks(page, *languages):
    """The fenced blocks of a page in these languages."""
    found = re.findall(r"^( *)```([^\n`]*)\n(.*?)^\1```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [text for _, language, text in found if language in languages]


def commands(block):
    """The words of each command of a block: a command whose quotes are open goes on in the next line."""
    line = ""
    for part in block.splitlines():
        line += part + "\n"
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue
        if words:
            yield words
        line = ""
    assert not line, f"an open quote: {line}"
