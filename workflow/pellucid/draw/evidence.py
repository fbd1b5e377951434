"""Figure of the planted evidence: the model's predictions without the evidence, and with the evidence alone."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.lines import Line2D

from pellucid import tables
from pellucid.draw import style
from pellucid.draw.shared.heading import over_groups
from pellucid.evaluate import frequency_evidence, planted_evidence
from pellucid.messages import comma_list
from pellucid.user_text import names_in_figure

# How the control is called, where places are removed and where frequencies are.
CONTROLS = ("without an equal region elsewhere", "without the strongest other frequencies")
# First the parts with which the accuracy should stay high, then those with which it should fall.
PARTS = {
    planted_evidence.WHOLE: ("as they are", style.INK, "D"),
    planted_evidence.CONTROL: (CONTROLS[0], style.QUIET, "s"),
    planted_evidence.ONLY: ("with the evidence alone", style.PALETTE[0], "o"),
    planted_evidence.WITHOUT: ("without the evidence", style.PALETTE[1], "o"),
}
FILLS = {
    "mean": "filled with: the channel's mean",
    "noise": "filled with: noise",
    "linear": "filled with: a straight line",
    "other": "filled with: another class's example",
    "silence": "frequencies taken out",
    "floor": "frequencies brought to the others' median",
}
METRICS = {"accuracy": "accuracy", "probability": "mean probability of the true class"}


def draw(*, table: Path | str, title: str, pictures: Sequence[Path | str]) -> None:
    """Draw a column per fill, a row per metric, and in each panel a line of dots for all examples and for each class.

    Args:
        table: `planted_evidence.csv`.
        title: of the experiment.
        pictures: one path per format.
    """
    rows = planted_evidence.read(table)
    rows = rows.assign(over=tables.over(rows))
    kinds = list(planted_evidence.accuracies(rows))
    classes = list(dict.fromkeys(zip(rows["over"], rows["class"], strict=True)))
    height = 0.55 + 0.36 * len(classes)
    figure = style.new(1.3 + 2.25 * len(kinds), 1.3 + height * len(METRICS))
    with style.styled():
        axes = figure.subplots(len(METRICS), len(kinds), squeeze=False, sharex=True, sharey=True)
        for line, (metric, label) in zip(axes, METRICS.items(), strict=True):
            for panel, kind in zip(line, kinds, strict=True):
                chosen = rows[(rows["metric"] == metric) & rows["fill"].isin([kind, planted_evidence.NONE])]
                _dots(panel, chosen.set_index(["part", "over", "class"]), classes)
                panel.axvline(planted_evidence.chance(rows), color=style.QUIET, linewidth=0.8, linestyle=":", zorder=0)
                panel.set_xlabel(label, fontsize=8)
        for panel, kind in zip(axes[0], kinds, strict=True):
            panel.set_title(FILLS[kind], loc="left", fontsize=8)
        marks = [
            Line2D([], [], color=colour, marker=marker, linestyle="none", markersize=4.5, label=name)
            for name, colour, marker in _parts(kinds)
        ]
        marks.append(Line2D([], [], color=style.QUIET, linestyle=":", linewidth=0.8, label="chance"))
        # All in one line, where it is long enough.
        columns = len(marks) if len(kinds) > 2 else 2
        figure.legend(handles=marks, loc="outside lower left", ncols=columns, fontsize=8, columnspacing=1.4)
        origins = f"\n{of_groups}" if (of_groups := over_groups(rows)) else ""
        figure.suptitle(f"{heading(rows)}{origins}\n{title}", x=0.01, ha="left", fontsize=10)
    style.save(figure, *pictures)


def heading(rows: pd.DataFrame) -> str:
    """Return the answer in words, and below it the accuracies; each is a range over the fills."""
    accuracies, verdicts = list(planted_evidence.accuracies(rows).values()), planted_evidence.needed(rows)
    without, control = ([of_fill[place] for of_fill in accuracies] for place in (1, 3))
    numbers = (
        f"accuracy {accuracies[0][0]:.2f}; without the evidence {_range(without)}; "
        f"{CONTROLS[_of_frequencies(planted_evidence.accuracies(rows))]} {_range(control)}"
    )
    answers = set(verdicts.values())
    if answers <= {None}:
        return f"Whether the model needs the planted evidence cannot be told\n{numbers}"
    if answers == {True}:
        return f"The model needs the planted evidence\n{numbers}"
    if answers == {False}:
        return f"The model does NOT need the planted evidence: believe no score against it\n{numbers}"
    said = {True: "needed with", False: "not needed with", None: "cannot be told with"}
    parts = (
        f"{words} {comma_list(kind for kind, found in verdicts.items() if found is answer)}"
        for answer, words in said.items()
        if answer in answers
    )
    return f"Whether the model needs the planted evidence depends on the fill: {'; '.join(parts)}\n{numbers}"


def _of_frequencies(kinds: Collection[str]) -> bool:
    """Return whether frequencies were removed, and not places."""
    return set(kinds) <= set(frequency_evidence.FILLS)


def _parts(kinds: Collection[str]) -> list[tuple[str, str, str]]:
    """Return the name, colour and marker of each part."""
    control = CONTROLS[_of_frequencies(kinds)]
    return [(control if name in CONTROLS else name, colour, marker) for name, colour, marker in PARTS.values()]


def _range(values: Sequence[float]) -> str:
    low, high = f"{min(values):.2f}", f"{max(values):.2f}"
    return low if low == high else f"{low}–{high}"


def _dots(axes: Any, rows: pd.DataFrame, classes: Sequence[tuple[str, str]]) -> None:
    """Draw a line for each class: a dot for each part, with a bar over its interval, one below the other."""
    for place, (over, name) in enumerate(classes):
        strong = over == tables.ALL
        for step, (part, (_, colour, marker)) in enumerate(PARTS.items()):
            mean, low, high = rows.loc[(part, over, name), ["mean", "low", "high"]]
            y = place + 0.19 * (step - (len(PARTS) - 1) / 2)
            axes.plot([low, high], [y, y], color=colour, linewidth=1.6, alpha=0.45, solid_capstyle="butt")
            axes.plot(mean, y, marker, color=colour, markersize=5 if strong else 3.5, clip_on=False, zorder=3)
    axes.axhspan(-0.5, 0.5, color="#eef1f4", linewidth=0, zorder=-1)
    names = names_in_figure([name for _, name in classes])
    names = [
        "all examples" if over == tables.ALL else textwrap.fill(name, 16)
        for (over, _), name in zip(classes, names, strict=True)
    ]
    axes.set_yticks(range(len(classes)), names)
    axes.set_ylim(len(classes) - 0.5, -0.5)
    axes.set_xlim(-0.02, 1.02)
    axes.tick_params(labelsize=7, labelbottom=True)
    axes.tick_params(axis="y", length=0)
