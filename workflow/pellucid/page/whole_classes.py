"""Show on the page what was found in whole classes: links to the figures of each explanation, and flagged groups.

The figures are too large for a page of one file: they stay beside it in the folder of the experiment, and are linked.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pellucid import files
from pellucid.messages import counted
from pellucid.page.summary import Section, listed
from pellucid.user_text import in_figure

# The figures of an explanation: file below `summaries/<explanation>`, and what a link to it says.
LINKS = {
    "class_maps": "mean map of each class",
    "importance": "which channel, which time or place",
    "groups": "groups of maps",
}
_SHOWN = 3  # flags in the summary; the table has all


@dataclass(frozen=True)
class Flagged:
    """The groups of maps of one explanation.

    Attributes:
        label: of the explanation.
        groups: how many there are.
        flags: a sentence for each flag.
    """

    label: str
    groups: int
    flags: Sequence[str]


def read(flags: Mapping[str, Path | str]) -> list[Flagged]:
    """Return the groups of maps of each explanation; `flags` has its `groups.json`, by label."""
    flagged = []
    for label, path in flags.items():
        groups = files.read_json(path)["groups"]
        said = [
            f"class {in_figure(str(group['class']))}, group {group['number']} "
            f"({counted(group['examples'], 'example')}) {in_figure(str(flag), 300)}"
            for group in groups
            for flag in group["flags"]
        ]
        flagged.append(Flagged(label, len(groups), said))
    return flagged


def section(flagged: Sequence[Flagged]) -> list[Section]:
    """Return the summary's part on possible shortcuts; none where no whole classes were explained."""
    if not flagged:
        return []
    heading = "Does a class rest on a shortcut?"
    with_flags = [entry for entry in flagged if entry.flags]
    if not with_flags:
        text = (
            f"No group of maps of {counted(len(flagged), 'explanation')} is flagged. This is no proof: a mark that all "
            "recordings of a class share is not found."
        )
        return [Section(heading, "", [text])]
    shown = [f"{entry.label}: {flag}" for entry in with_flags for flag in entry.flags][:_SHOWN]
    more = sum(len(entry.flags) for entry in with_flags) - len(shown)
    sentences = [
        f"Look at the examples of {listed([entry.label for entry in with_flags])}: groups of maps may be a shortcut.",
        f"{'; '.join(shown)}{f'; and {more} more' if more else ''}.",
        "A flag proves nothing: a recording may have its own form of a wave.",
    ]
    return [Section(heading, "doubtful", sentences)]


def in_html(flagged: Sequence[Flagged]) -> str:
    """Return the page's section with the links; "" where no whole classes were explained."""
    if not flagged:
        return ""
    rows = "\n".join(map(_row, flagged))
    return (
        '<section id="classes" aria-labelledby="classes-heading">\n'
        '<h2 id="classes-heading">Whole classes</h2>\n'
        '<p class="quiet">Each explanation over all measured test examples. The links lead to figures in the folder '
        "<code>summaries</code> beside this page: they work where this file lies in the results of its experiment."
        "</p>\n"
        '<div class="scroll"><table>\n<thead><tr><th scope="col">explanation</th>'
        '<th scope="col">figures</th><th scope="col">groups of maps</th><th scope="col">flagged as a possible shortcut'
        f"</th></tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table></div>\n</section>\n"
    )


def _row(entry: Flagged) -> str:
    links = [
        f'<a href="{html.escape(quote(f"summaries/{entry.label}/{name}.png"))}">{text}</a>'
        for name, text in LINKS.items()
    ]
    flags = "<br>".join(map(html.escape, entry.flags)) or "none"
    return (
        f'<tr><th scope="row">{html.escape(entry.label)}</th><td>{"<br>".join(links)}</td>'
        f'<td class="number">{entry.groups}</td><td>{flags}</td></tr>'
    )
