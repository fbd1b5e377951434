"""What all layouts of a method's figure share: what they show, and the headings of the panels."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid.datasets.base import UNLABELLED
from pellucid.draw.shared.panel_scales import PanelScales
from pellucid.messages import MANY_CLASSES, MOST_PROBABLE

LETTER = 0.066  # inches that a letter of 8 points takes
SMALL_LETTER = 0.058  # inches that a letter of 7 points takes
NOTE: dict[str, Any] = {"fontsize": 7, "color": "#4a5561"}
_NAME = 30  # letters of a line of a heading at most


@dataclass(frozen=True)
class Sheet:
    """What one figure shows.

    Attributes:
        data_info: what `data.json` says.
        arrays: the examples: inputs, labels, predictions, probabilities, targets, perhaps truth.
        maps: attributions of the inputs' shape, or with one channel for a method that has one map for all.
        rows: the shown examples of each class, as indices.
        scales: of the panels, by the same indices.
        unit: of the attributions.
        per_channel: whether the method tells channels apart.
        caption: of the figure.
    """

    data_info: Mapping[str, Any]
    arrays: Mapping[str, NDArray[Any]]
    maps: NDArray[np.float32]
    rows: Sequence[NDArray[np.int64]]
    scales: PanelScales
    unit: str
    per_channel: bool
    caption: str

    @property
    def columns(self) -> int:
        """The number of examples of the class that has most."""
        return max(len(row) for row in self.rows)

    def finish(self, figure: Figure, axes: Any, note: str = "") -> Figure:
        """Add the caption and the colour bar."""
        # A letter of this size is about a thirteenth of an inch wide.
        width = int(13 * figure.get_figwidth())
        lines = [textwrap.fill(line, width) for line in (self.caption + note).splitlines()]
        figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=10)
        self.scales.bar(figure, axes, self.unit)
        return figure

    def heading(self, index: int, width: float) -> str:
        """The true class; the predicted one with its probability; and the class explained, where it is another.

        Of many classes the most probable ones follow, a line each: the second may be the same thing by another name.

        Args:
            index: of the example.
            width: of the panel in inches, at which lines are broken.
        """
        classes = self.data_info["classes"]
        label, predicted, target = self._classes(index)
        if len(classes) > MANY_CLASSES:
            return self._of_many(index, int(width / LETTER))
        p = self.arrays["probabilities"][index, predicted]
        parts = [classes[label]] if label != UNLABELLED else []
        parts += [] if label == predicted else [f"taken for {classes[predicted]}"]
        explained = "" if target == predicted else f"; explained: {classes[target]}"
        return textwrap.fill(f"{', '.join([*parts, f'p = {p:.2f}'])}{explained}", int(width / LETTER))

    def short_heading(self, index: int, width: float) -> str:
        """The heading of a panel that is too narrow for words and probabilities."""
        classes = self.data_info["classes"]
        label, predicted, target = self._classes(index)
        if len(classes) > MANY_CLASSES:
            return self._of_many(index, int(width / LETTER))
        known = classes[label] if label != UNLABELLED else ""
        name = known if label == predicted else f"{known} → {classes[predicted]}".strip()
        return f"{name}{'' if target == predicted else f'; explained: {classes[target]}'}"

    def _classes(self, index: int) -> tuple[int, int, int]:
        """The true class of an example, the predicted one and the explained one."""
        label, predicted, target = (int(self.arrays[name][index]) for name in ("labels", "predictions", "targets"))
        return label, predicted, target

    def _of_many(self, index: int, room: int) -> str:
        """The true class and the most probable ones, in lines of `room` letters."""
        classes, p = self.data_info["classes"], self.arrays["probabilities"][index]
        label, predicted, target = self._classes(index)
        long = min(room, _NAME) - 6
        lines = [] if label == UNLABELLED else [f"true: {_cut(classes[label], long)}"]
        best = np.argsort(-p, kind="stable")[:MOST_PROBABLE]
        lines += [f"{_cut(classes[place], long)} {p[place]:.1%}" for place in best]
        return "\n".join([*lines, *([f"explained: {_cut(classes[target], long - 4)}"] if target != predicted else [])])


def folded_note(note: str, width: float) -> str:
    """What a panel says of its scale, in lines that are as wide as the panel, in inches."""
    return textwrap.fill(note, int(width / SMALL_LETTER))


def _cut(name: str, length: int) -> str:
    return name if len(name) <= max(length, 3) else f"{name[: max(length, 3) - 1]}…"
