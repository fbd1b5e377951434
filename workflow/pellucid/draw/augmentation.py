"""Figure of the augmentation: a training example of each class, and augmented copies beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from pellucid import files
from pellucid.config.training_checks import active_augmentations
from pellucid.data_info import DataInfo
from pellucid.draw import style
from pellucid.draw.shared.canvas import Canvas, box_of
from pellucid.train.augmentation import Array, augment

COPIES = 3
_MOST_CLASSES = 10


def draw(
    *,
    data: Path | str,
    x: Path | str,
    labels: Path | str,
    settings: Mapping[str, Any],
    seed: int,
    title: str,
    pictures: list[str],
    measured: Path | str | None = None,
) -> None:
    """Draw the first training example of each class, and a copy from each of three epochs.

    Args:
        data: `data.json`.
        x: `x_train.npy`.
        labels: `labels.npz`.
        settings: the `augmentation` entry, complete.
        seed: of the experiment.
        title: of the experiment.
        pictures: one path per format.
        measured: `measured.npz`, of examples that are padded or have gaps.
    """
    data_info, y, values = style.data_info(data), files.read_arrays(labels)["train"], files.map_array(x)
    present, firsts = (array[:_MOST_CLASSES] for array in np.unique(y, return_index=True))
    examples = np.asarray(values[firsts])
    mask = files.map_arrays(measured).get("train") if measured else None
    mask = None if mask is None else np.asarray(mask[firsts])
    # Of the same kind as in the training, but with other random numbers: there each example lies in another batch.
    copies = [examples, *(augment(examples, settings, seed, epoch, 0, mask) for epoch in range(COPIES))]
    names = [data_info["classes"][label] for label in present]
    strengths = ", ".join(f"{name} {strength}" for name, strength in active_augmentations(settings).items())
    caption = f"Augmentation: {strengths}\n{title}"
    if data_info["kind"] == "image":
        _images(copies, names, caption, pictures)
    else:
        _series(copies, names, data_info, caption, pictures)


def _images(copies: list[Array], names: list[str], caption: str, pictures: list[str]) -> None:
    """Draw a column for each class; with few classes a row, since the figure would otherwise be narrow and high."""
    columns = len(names) > COPIES + 1
    tall, wide = (size + 0.08 for size in box_of(copies[0].shape[1:], 0.8 if columns else 1.3))
    beside, above = (0.75, 0.22)
    shape = (len(copies), len(names)) if columns else (len(names), len(copies))
    canvas = Canvas(beside + wide * shape[1], above + tall * shape[0], caption, bar=False)
    versions = ["original", *(f"epoch {epoch + 1}" for epoch in range(COPIES))]
    for row, name in enumerate(versions if columns else names):
        canvas.text(name, beside - 0.1, above + tall * (row + 0.5), ha="right")
    for column, name in enumerate(names if columns else versions):
        canvas.text(name, beside + wide * (column + 0.5), above / 2, ha="center")
    for label in range(len(names)):
        # An example and its copies have one scale, so that a change of the brightness is seen.
        limits = min(images[label].min() for images in copies), max(images[label].max() for images in copies)
        for number, pixels in enumerate(copies):
            row, column = (number, label) if columns else (label, number)
            place = beside + wide * column, above + tall * row, wide - 0.08, tall - 0.08
            canvas.example(pixels[label], *place, limits=limits)
    style.save(canvas.figure, *pictures)


def _series(copies: list[Array], names: list[str], data_info: DataInfo, caption: str, pictures: list[str]) -> None:
    channels = len(data_info["channels"])
    tall = 1.0 if channels == 1 else 0.6 + 0.16 * min(channels, 12)
    figure = style.new(0.8 + 2.3 * len(copies), 0.9 + tall * len(names))
    time, unit = style.time_axis(copies[0].shape[1], data_info["sampling_rate_hz"])
    spread = style.largest_range(copies[0])
    with style.styled():
        # An example and its copies have one scale, so that a change of the amplitude is seen.
        axes = figure.subplots(len(names), len(copies), squeeze=False, sharex=True, sharey="row")
        for row, name in enumerate(names):
            for column, series in enumerate(copies):
                panel = axes[row, column]
                if channels == 1:
                    _line(panel, time, series[row, :, 0], copies[0][row, :, 0] if column else None)
                else:
                    style.stacked_series(panel, time, series[row], data_info["channels"], spread)
                if not row:
                    panel.set_title(f"epoch {column}" if column else "original", loc="left")
            axes[row, 0].set_ylabel(name)
        style.label_time(axes, unit)
        if channels == 1:
            figure.supylabel(data_info["unit"], fontsize=9)
        figure.suptitle(caption, x=0.01, ha="left", fontsize=10)
    style.save(figure, *pictures)


def _line(axes: Axes, time: NDArray[np.float64], copy: Array, original: Array | None) -> None:
    """Draw a copy, and its original in a pale colour behind it."""
    if original is not None:
        axes.plot(time, original, color=style.PALETTE[4], linewidth=1)
    axes.plot(time, copy, color=style.INK, linewidth=1)
    axes.margins(x=0)
