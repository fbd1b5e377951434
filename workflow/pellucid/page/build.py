"""Write the page of an experiment: one HTML file that needs no server and loads no other file."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import Colormap, to_hex

from pellucid import files, plugins, tables
from pellucid.data_info import DataInfo, as_series
from pellucid.draw import style
from pellucid.draw.shared import task_heading
from pellucid.page import citations, explanations, parts, quality_by_task, summary, whole_classes
from pellucid.page.ranking import Ranking, ranking
from pellucid.page.summary import Section
from pellucid.user_text import in_figure, readable

logger = logging.getLogger(__name__)

MOST_BYTES = 10_000_000
# Of what a page holds: one page reads another one of the same form alone.
FORMAT = 2


def build(
    *,
    experiment: str,
    title: str,
    settings: Mapping[str, Any],
    data_info: Path | str,
    training: Path | str,
    output: Path | str,
    report_summary: Path | str,
    metrics: Path | str | None = None,
    per_class: Path | str | None = None,
    chance: Path | str | None = None,
    attributions: Mapping[str, Path | str],
    leaderboard: Path | str | None = None,
    leaderboard_metrics: Path | str | None = None,
    checks: Path | str | None = None,
    flags: Mapping[str, Path | str] | None = None,
    view_measures: Sequence[Path | str] = (),
) -> None:
    """Write the page.

    Args:
        experiment, title: name and title of the experiment.
        settings: `model`, `training`, `seed`, `examples`, `methods` and `scores` of the experiment.
        data_info, training: `data.json` and `training.json`.
        output, report_summary: HTML; JSON with the sections of its summary, with which the report begins.
        metrics, chance: `metrics.json` and `chance.json`; None if the evaluation wrote no such file.
        per_class: `per_class.csv`, or the table of the labels or values; likewise.
        attributions: `attributions.npz` of each method.
        leaderboard, leaderboard_metrics, checks: the tables of `compare`; None if nothing was compared.
        flags: `groups.json` of each explanation, by its label; None if no whole classes were explained.
        view_measures: the tables of measures of views.
    """
    data, trained = as_series(files.read_json(data_info)), files.read_json(training)
    explained, shared = explanations.read(settings["methods"], attributions)
    explorer = explanations.content(explained, shared, _named(data)) if explained else None
    elsewhere = explanations.of_other_domains(settings["methods"])
    of_classes, ranks = whole_classes.read(flags or {}), _ranks(leaderboard, leaderboard_metrics, checks)
    measured, against_chance = (files.read_json(path) if path else None for path in (metrics, chance))
    outputs = tables.read(per_class, words=("class", "label", "value", "unit")) if per_class else None
    mood, quality = quality_by_task.sentences(data, measured, against_chance, outputs)
    notes = _not_yet_said(measured or trained, against_chance)
    labels = [*(each.label for each in explained), *elsewhere]
    spec = plugins.spec("models", settings["model"]["architecture"])
    sections = [
        Section("The data", "", summary.data_sentences(data)),
        Section("The model", "", [*summary.model_sentences(spec.title, trained)]),
        Section("Is the model good?", mood, [*quality, *notes]),
        *([Section("What is explained", "", summary.explained_sentences(data, explorer, settings["examples"]))]
          if explorer else []),
        *([Section("Over frequencies", "", [summary.frequencies_sentence(list(elsewhere))])] if elsewhere else []),
        *summary.method_sections(ranks, labels, settings["examples"], of_doubtful_model=mood == "doubtful"),
        *whole_classes.section(of_classes),
    ]  # fmt: skip
    text, references = citations.methods_text(
        data=data,
        training=trained,
        settings=settings,
        explained=[*((each.method, each.parameters) for each in explained), *elsewhere.values()],
        examples=explorer["of"] if explorer else len(shared["inputs"]) if shared else 0,
        scores=list(settings["scores"]),
    )
    content = {
        "format": FORMAT,
        "experiment": experiment,
        "data": _data(data),
        "colours": _colours(),
        "explorer": explorer,
        "ranking": _ranking(ranks),
        "tables": _tables(leaderboard, leaderboard_metrics, per_class, checks, task_heading.word(data), *view_measures),
    }
    shown = in_figure(title or experiment, 300)
    page = _filled(experiment, shown, sections, text, references, content, whole_classes.in_html(of_classes))
    files.write(output, lambda temporary: temporary.write_text(page, encoding="utf-8"))
    files.write_json(report_summary, {"title": shown, "sections": [asdict(section) for section in sections]})
    size = len(page.encode())
    logger.log(logging.INFO if size <= MOST_BYTES else logging.WARNING, "the page has %.1f MB", size / 1e6)


def _not_yet_said(facts: Mapping[str, Any], chance: Mapping[str, Any] | None) -> list[str]:
    """Return the notes on the model but for the one on chance, which the sentences on its quality hold."""
    return [readable(str(note)) for note in facts.get("notes", []) if chance is None or note != chance["sentence"]]


def _ranks(leaderboard: Path | str | None, metrics: Path | str | None, checks: Path | str | None) -> Ranking | None:
    """Return the ranks of the explanations; None if nothing was compared."""
    return ranking(leaderboard, metrics, checks) if leaderboard and metrics and checks else None


def _data(data: DataInfo) -> dict[str, Any]:
    """Return the facts of the data that the explorer needs, with names as figures show them."""
    return {
        "kind": data["kind"],
        "word": task_heading.word(data),
        "classes": [in_figure(name, 200) for name in data["classes"]],
        "channels": [in_figure(name) for name in data["channels"]],
        "unit": in_figure(str(data["unit"])),
        "rate": data["sampling_rate_hz"],
    }


def _named(data: DataInfo) -> DataInfo:
    """Return `data.json` with names and units as headings show them."""
    units = [in_figure(str(unit)) for unit in data.get("units", ())]
    return {**data, "classes": [in_figure(name, 200) for name in data["classes"]], "units": units}


def _colours() -> dict[str, Any]:
    """Return the colours of the figures."""
    return {
        "sequential": _steps(style.SEQUENTIAL),
        "diverging": _steps(style.DIVERGING),
        "ink": style.INK,
        "quiet": style.QUIET,
        "truth": style.PALETTE[2],
        "unmeasured": style.UNMEASURED,
    }


def _steps(colours: Colormap) -> list[str]:
    return [to_hex(colour) for colour in colours(np.linspace(0, 1, 256))]


def _ranking(ranks: Ranking | None) -> dict[str, Any] | None:
    """Return the explanations that the explorer marks: those to look at first, and those that failed a check."""
    if ranks is None:
        return None
    failed = {label: "; ".join(f"{name} {value}" for name, value in checks) for label, checks in ranks.failed.items()}
    return {"first": list(ranks.first), "failed": failed}


def _tables(
    leaderboard: Path | str | None,
    leaderboard_metrics: Path | str | None,
    per_class: Path | str | None,
    checks: Path | str | None,
    word: str,
    *view_measures: Path | str,
) -> list[dict[str, str]]:
    """Return the tables that exist: the text of each CSV file as it is, so that the page has the same numbers."""
    paths = {
        "leaderboard": (leaderboard, "Leaderboard: every score of every explanation"),
        "metrics": (leaderboard_metrics, "What the columns of the leaderboard mean"),
        "per_class": (per_class, f"The model's predictions, {word} by {word}"),
        "checks": (checks, "Checks that the explanations must pass: one fails if its comparison holds"),
    }
    of_views = {Path(path).stem.removesuffix("_measures"): path for path in view_measures}
    specs = {view: plugins.spec("views", view) for view in of_views}
    titled = {view: f"{spec.title}: means over {spec.measured}; examples: how many" for view, spec in specs.items()}
    paths |= {f"{view}-measures": (path, titled[view]) for view, path in of_views.items()}
    return [
        {"name": name, "title": title, "csv": _csv(path)} for name, (path, title) in paths.items() if path is not None
    ]


def _csv(path: Path | str) -> str:
    with files.reading(path, "a CSV table, as the workflow writes it"):
        return Path(path).read_bytes().decode("utf-8")


def _filled(
    experiment: str,
    title: str,
    sections: Sequence[Section],
    text: str,
    references: Sequence[str],
    content: Mapping[str, Any],
    classes: str,
) -> str:
    """Return the HTML. All parts are filled in at once, so that no text of the user is taken for the name of a part."""
    template, css, script = parts.read()
    values = {
        "title": html.escape(title),
        "experiment": html.escape(experiment),
        "style_digest": _digest(css),
        "script_digest": _digest(script),
        "style": css,
        "script": script,
        "summary": "\n".join(map(_section, sections)),
        "classes": classes,
        "classes_link": '<a href="#classes">Whole classes</a> ' if classes else "",
        "methods_text": html.escape(text),
        "references": "\n".join(f"<li>{html.escape(reference)}</li>" for reference in references),
        "content": in_script(content),
    }
    pieces = template.split("{{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, _, text_after = piece.partition("}}")
        filled += [values[name], text_after]
    return "".join(filled)


def _section(section: Section) -> str:
    """Return a part of the summary as HTML."""
    mood = f' class="{section.mood}"' if section.mood else ""
    sentences = " ".join(map(html.escape, section.sentences))
    return f"<section{mood}><h3>{html.escape(section.heading)}</h3><p>{sentences}</p></section>"


def _digest(text: str) -> str:
    """Return the digest by which the page's policy allows this script or style, and no other."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def in_script(content: Any) -> str:
    """Return JSON that cannot end the script element around it; NaN and infinity become null."""
    text = json.dumps(_finite(content), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _finite(content: Any) -> Any:
    if isinstance(content, float):
        return content if math.isfinite(content) else None
    if isinstance(content, Mapping):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return content
