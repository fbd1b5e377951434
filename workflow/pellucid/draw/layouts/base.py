"""What all layouts of a method's figure share: the content of the figure, and the headings of its panels."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid.data_info import DataInfo
from pellucid.datasets.base import UNLABELLED
from pellucid.draw import style
from pellucid.draw.shared import task_heading
from pellucid.draw.shared.panel_scales import PanelScales
from pellucid.messages import MANY_CLASSES, MOST_PROBABLE
from pellucid.tasks import SINGLE_LABEL

LETTER = 0.066  # inches that a letter of 8 points takes
SMALL_LETTER = 0.058  # inches that a letter of 7 points takes
NOTE: dict[str, Any] = {"fontsize": 7, "color": "#4a5561"}
_LONGEST_LINE = 30  # letters of a line of a heading


@dataclass(frozen=True)
class Sheet:
    """The content of one figure.

    Attributes:
        data_info: content of `data.json`.
        arrays: the examples: inputs, labels, predictions, probabilities, targets, perhaps truth.
        maps: attributions of the inputs' shape, or with a single channel for a method with one map for all channels.
        rows: the shown examples of each class, as indices.
        scales: colour scales of the panels, by the same indices.
        unit: of the attributions.
        per_channel: whether each channel has a map of its own.
        caption: of the figure.
        axis: what the first axis of inputs and maps stands for, and its label; None for time.
    """

    data_info: DataInfo
    arrays: Mapping[str, NDArray[Any]]
    maps: NDArray[np.float32]
    rows: Sequence[NDArray[np.int64]]
    scales: PanelScales
    unit: str
    per_channel: bool
    caption: str
    axis: tuple[NDArray[np.float64], str] | None = None

    @property
    def along(self) -> tuple[NDArray[np.float64], str]:
        """The positions along the first axis of inputs and maps, and the label of this axis."""
        return self.axis or style.time_axis(self.arrays["inputs"].shape[1], self.data_info["sampling_rate_hz"])

    @property
    def columns(self) -> int:
        """The largest number of examples of a class."""
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
        """Return the true class, the predicted class with its probability, and the explained class if it is another.

        With many classes the most probable ones follow: the second may be the same thing by another name.

        Args:
            index: of the example.
            width: of the panel in inches, at which lines are broken.
        """
        classes, target = self.data_info["classes"], task_heading.of_target(self.data_info, self.arrays, index)
        if task_heading.task_of(self.data_info) != SINGLE_LABEL:
            told = task_heading.of_answer(self.data_info, self.arrays, index)
            return textwrap.fill(f"{told}{f'; explained: {target}' if target else ''}", int(width / LETTER))
        label, predicted = self._classes(index)
        if len(classes) > MANY_CLASSES:
            return self._of_many(index, int(width / LETTER), target)
        p = self.arrays["probabilities"][index, predicted]
        parts = [classes[label]] if label != UNLABELLED else []
        parts += [] if label == predicted else [f"taken for {classes[predicted]}"]
        explained = f"; explained: {target}" if target else ""
        return textwrap.fill(f"{', '.join([*parts, f'p = {p:.2f}'])}{explained}", int(width / LETTER))

    def short_heading(self, index: int, width: float) -> str:
        """Return the heading of a panel that is too narrow for words and probabilities."""
        classes, target = self.data_info["classes"], task_heading.of_target(self.data_info, self.arrays, index)
        if task_heading.task_of(self.data_info) != SINGLE_LABEL:
            told = task_heading.short(self.data_info, self.arrays, index)
            return "\n".join([told, *([textwrap.fill(f"explained: {target}", int(width / LETTER))] if target else [])])
        label, predicted = self._classes(index)
        if len(classes) > MANY_CLASSES:
            return self._of_many(index, int(width / LETTER), target)
        true = classes[label] if label != UNLABELLED else ""
        name = true if label == predicted else f"{true} → {classes[predicted]}".strip()
        if task_heading.contrasts(self.arrays):
            # Two names in one line would run into the next panel.
            return "\n".join([name, textwrap.fill(f"explained: {target}", int(width / LETTER))])
        return f"{name}{f'; explained: {target}' if target else ''}"

    def _classes(self, index: int) -> tuple[int, int]:
        """Return the true and the predicted class of an example."""
        return int(self.arrays["labels"][index]), int(self.arrays["predictions"][index])

    def _of_many(self, index: int, room: int, target: str) -> str:
        """Return the true class and the most probable classes, in lines of `room` letters; the target if it differs."""
        classes, p = self.data_info["classes"], self.arrays["probabilities"][index]
        label, _ = self._classes(index)
        most = min(room, _LONGEST_LINE) - 6
        lines = [] if label == UNLABELLED else [f"true: {_cut(classes[label], most)}"]
        best = np.argsort(-p, kind="stable")[:MOST_PROBABLE]
        lines += [f"{_cut(classes[place], most)} {p[place]:.1%}" for place in best]
        return "\n".join([*lines, *([f"explained: {_cut(target, most - 4)}"] if target else [])])


def folded_note(note: str, width: float) -> str:
    """Return the note of a panel on its scale, in lines that fit into its width in inches."""
    return textwrap.fill(note, int(width / SMALL_LETTER))


def _cut(name: str, length: int) -> str:
    """Return a name, cut to this many letters."""
    return name if len(name) <= max(length, 3) else f"{name[: max(length, 3) - 1]}…"
