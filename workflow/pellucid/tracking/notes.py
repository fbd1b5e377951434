"""The descriptions of runs, in Markdown: what a reader sees first on the page of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pellucid import tables
from pellucid.compare import experiments
from pellucid.data_info import DataInfo
from pellucid.datasets.base import OWN_CITATION
from pellucid.tracking import score_metrics
from pellucid.tracking.runs import LONGEST_VALUE, fitting
from pellucid.user_text import in_markdown

_MOST_COLUMNS = 8
_GAP = "&emsp;"
_LEFT_OUT = "\n\nNot all rows fit in here; the tables among the artifacts have all of them."


def note_of(title: str, data: DataInfo, notes: Sequence[str] = ()) -> str:
    """Return the note of an experiment, in Markdown: title, data, licence, citation, and notes on data and model."""
    source = f"Data: {data['title']}. Licence: {data['licence']}. Cite: {data['citation']}. {data['homepage']}"
    if data["citation"] == OWN_CITATION:
        source = f"Data: {data['title']}, {data['licence']}."
    opening = f"{in_markdown(title)}\n\n{source}"
    return "\n\n".join([opening, *(f"- {in_markdown(note)}" for note in (*data.get("notes", ()), *notes))])


def with_leaderboard(note: str, leaderboard: Path | None, best: str) -> str:
    """Return the note of an experiment, followed by the ranks of its explanations and the checks that they failed.

    Args:
        note: of the experiment.
        leaderboard: None without one.
        best: the explanation whose leading score the run has; empty for none.
    """
    if leaderboard is None:
        return fitting(note)
    board = tables.read(leaderboard, index="explanation")
    rows = [
        [in_markdown(str(label)), number(rank), in_markdown(failed) if isinstance(failed, str) else ""]
        for label, rank, failed in zip(board.index, board["mean rank"], board["failed checks"], strict=True)
    ]
    introduction = (
        "Explanations by their mean rank over the judged scores (1 is best), and the checks that they failed:"
    )
    if best:
        introduction = f"The score in the metrics of this run is that of {in_markdown(best)}.\n\n{introduction}"
    return with_table(f"{note}\n\n{introduction}", ["explanation", "mean rank", "failed checks"], rows)


def with_scores(note: str, scores: Mapping[str, float]) -> str:
    """Return the note of an explanation, followed by its scores, in bold if they enter the ranking."""
    if not scores:
        return fitting(note)
    rows = []
    for name in scores:
        text = in_markdown(name.removeprefix("score/"))
        better, is_judged = score_metrics.direction(name)
        rows.append([f"**{text}**" if is_judged else text, number(scores[name]), better or "–"])
    introduction = "Scores, as means over the scored examples; those in **bold** enter the ranking:"
    return with_table(f"{note}\n\n{introduction}", ["score", "mean", "better"], rows)


def with_csv(note: str, table: Path | None) -> str:
    """Return the note of a comparison, followed by the first columns of its main table."""
    if table is None:
        return fitting(note)
    content = tables.read(table)
    # Columns of single experiments, such as "digits: mean rank", stand only in the table among the artifacts.
    single = tuple(f"{name}: " for name in experiments.experiments(list(content)))
    columns = [column for column in content if not column.startswith(single)][:_MOST_COLUMNS]
    rows = [[in_markdown(number(value)) for value in row] for row in content[columns].itertuples(index=False)]
    return with_table(note, [in_markdown(column) for column in columns], rows)


def with_table(note: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return the note with a table below it, of as many rows as fit into MLflow's longest tag."""
    lines = [_row(header), f"|{' :--- |' * len(header)}"]
    room = LONGEST_VALUE - len(note) - len(_LEFT_OUT) - sum(len(line) + 1 for line in lines) - 2
    for row in rows:
        line = _row(row)
        room -= len(line) + 1
        if room < 0:
            return fitting(f"{note}\n\n" + "\n".join(lines) + _LEFT_OUT)
        lines.append(line)
    return fitting(f"{note}\n\n" + "\n".join(lines))


def _row(cells: Sequence[str]) -> str:
    """Return a row of a table; MLflow's page leaves no room between its columns."""
    return f"| {f'{_GAP} | '.join(cells)} |"


def number(value: Any) -> str:
    """Return a number with four digits, a missing one as an empty text, and a word as it is."""
    if isinstance(value, float):
        return "" if value != value else f"{value:.4g}"
    return str(value)
