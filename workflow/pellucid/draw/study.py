"""Figure of a study: a row for each combination of values, a point for each member with these values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from pellucid import tables
from pellucid.config.studies import REPEATING, Study, described, without
from pellucid.draw import style
from pellucid.user_text import LONGEST_TITLE, names_in_figure

_HIGHER, _LOWER = "higher is better →", "← lower is better"
# The metrics by which members are compared, and which direction is better: the first two that the members have, which
# are those of classes, of labels or of values.
SHOWN = {
    "balanced_accuracy": ("balanced accuracy", _HIGHER),
    "macro_auroc": ("macro AUROC", _HIGHER),
    "log_loss": ("log loss", _LOWER),
    "r2": ("R²", _HIGHER),
    "mae_in_sd": ("mean absolute error in standard deviations", _LOWER),
}
_OF_CLASSES = ("balanced_accuracy", "log_loss")


def draw(
    *, title: str, members: Mapping[str, Mapping[str, Any]], table: Path | str, pictures: Sequence[Path | str]
) -> None:
    """Draw the test metrics of all members, with mean ± standard deviation over seeds and folds.

    Args:
        title: of the study.
        members: for each member, the values that are varied, by their dotted key.
        table: what `compare.study` wrote.
        pictures: one path per format.
    """
    rows = tables.read(table, index="member")
    groups = Study(title, members).repeated()
    labels = names_in_figure([described(without(members[group[0]], REPEATING)) for group in groups], LONGEST_TITLE)
    repeated = max(map(len, groups)) > 1
    with style.styled():
        figure = style.new(9.0, 1.55 + 0.32 * len(groups) + (0.3 if len(groups) == 1 else 0))
        figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.08)
        panels = figure.subplots(1, 2, sharey=True)
        for axes, metric in zip(panels, _compared(list(rows.columns)), strict=True):
            name, better = SHOWN[metric]
            _panel(axes, [rows.loc[group, metric].to_numpy(np.float64) for group in groups])
            axes.set_xlabel(f"{name} of the test examples\n{better}", fontsize=8)
        panels[0].set_yticks(range(len(groups)), labels, fontsize=8)
        means = f"; bar: mean ± standard deviation over {_repeats(members)}" if repeated else ""
        figure.suptitle(f"{title}\npoint: one training{means}", x=0.01, ha="left", fontsize=10)
        style.save(figure, *pictures)


def _compared(columns: Sequence[str]) -> list[str]:
    """Return the two metrics that are drawn: members with single classes have an AUROC as well."""
    if _OF_CLASSES[0] in columns:
        return list(_OF_CLASSES)
    return [metric for metric in SHOWN if metric in columns][:2]


def _panel(axes: Axes, groups: Sequence[Any]) -> None:
    """Draw a row of points for each group, and a bar over mean ± standard deviation."""
    for place, members in enumerate(groups):
        # A metric may be undefined for some members.
        values = members[np.isfinite(members)]
        # Equal values lie below each other, not on each other.
        offsets = np.linspace(-0.14, 0.14, len(values)) if len(values) > 1 else np.zeros(len(values))
        axes.plot(values, place + offsets, "o", color=style.PALETTE[0], markersize=4, alpha=0.7, zorder=3)
        if len(values) > 1:
            mean, sd = values.mean(), values.std(ddof=1)
            axes.plot([mean - sd, mean + sd], [place, place], color=style.QUIET, linewidth=5, alpha=0.45, zorder=1)
            axes.plot([mean, mean], [place - 0.26, place + 0.26], color=style.INK, linewidth=1.6, zorder=2)
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=7)
    axes.grid(axis="y", color="#eef1f4", linewidth=0.8)
    axes.set_axisbelow(True)


def _repeats(members: Mapping[str, Mapping[str, Any]]) -> str:
    """Return what the points of a row differ in, such as "3 training seeds and 5 folds"."""
    names = {"seed": "seeds", "training.seed": "training seeds", "split.fold": "folds"}
    counts = {key: len({values[key] for values in members.values() if key in values}) for key in REPEATING}
    return " and ".join(f"{counts[key]} {names[key]}" for key in REPEATING if counts[key])
