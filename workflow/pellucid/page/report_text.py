"""The summaries of all experiments in reStructuredText, for the first page of Snakemake's report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pellucid import files
from pellucid.user_text import in_rst

_MOODS = ("good", "doubtful", "unknown")


def first_page(summaries: Mapping[str, Path | str], pages: Mapping[str, str]) -> str:
    """Return the summary of each experiment, and where its page and its figures are.

    Args:
        summaries: `summary.json` of each experiment; one that does not exist is left out.
        pages: path of each experiment's page, as the report knows it.
    """
    return "\n\n".join(
        _experiment(name, files.read_json(path), pages[name])
        for name, path in summaries.items()
        if Path(path).is_file()
    )


def _experiment(name: str, summary: Mapping[str, Any], page: str) -> str:
    shown = f"javascript:app.setView({{content:'html',contentPath:results['{page}'].data_uri,resultPath:'{page}'}})"
    heading = in_rst(summary["title"]).strip(" ") or name
    blocks = [
        # An underline may be longer than its heading; letters of some scripts are two columns wide.
        f"{heading}\n{'=' * 2 * len(heading)}",
        *(_section(section) for section in summary["sections"]),
        f"`Open its page <{shown}>`__: every explanation to zoom into, and the tables (``{page}``). "
        f"`All its figures <javascript:app.showCategory('{name}')>`__ are in the menu under *{in_rst(name)}*.",
    ]
    return "\n\n".join(blocks)


def _section(section: Mapping[str, Any]) -> str:
    heading = section["heading"]
    lead = f"**{in_rst(heading if heading.endswith('?') else f'{heading}.')}**"
    text = f"{lead} {in_rst(' '.join(section['sentences']))}"
    return f".. class:: {section['mood']}\n\n{text}" if section["mood"] in _MOODS else text
