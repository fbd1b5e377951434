"""Figure of a view, drawn from its arrays by the module in `draw/views/` that has the view's name."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid import files, plugins
from pellucid.config.variants import variants
from pellucid.data_info import DataInfo
from pellucid.draw import style
from pellucid.user_text import in_figure

_LONGEST_NAME = 60  # letters of the name of a layer


def draw(
    *,
    view: str,
    variant: str,
    parameters: Mapping[str, Any],
    title: str,
    data_info: Path | str,
    arrays: Path | str,
    pictures: Sequence[Path | str],
) -> None:
    """Draw one variant of a view.

    Args:
        view: name of the view.
        variant: name of the variant.
        parameters: its parameters, and `sweep`.
        title: of the experiment.
        data_info: `data.json`.
        arrays: what `views.run` wrote.
        pictures: one path per format.
    """
    with style.styled():
        chosen = variants(view, parameters)[variant]
        drawn = figure(view, chosen, title, style.data_info(data_info), files.read_arrays(arrays))
        style.save(drawn, *pictures)


def figure(
    view: str, parameters: Mapping[str, Any], title: str, data_info: DataInfo, arrays: Mapping[str, NDArray[Any]]
) -> Figure:
    """Return the figure of a view.

    Args:
        view: name of the view.
        parameters: of this variant.
        title: of the experiment, or empty.
        data_info: `data.json` as figures show it.
        arrays: what the view computed.
    """
    drawing = importlib.import_module(f"pellucid.draw.views.{view}")
    caption = " — ".join([*([title] if title else []), plugins.spec("views", view).title])
    shown = {name: _shown(array) for name, array in arrays.items()}
    drawn: Figure = drawing.draw(shown, data_info, parameters, caption)
    return drawn


def _shown(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array of texts, such as names of layers, as figures show them; any other array unchanged."""
    if array.dtype.kind != "U":
        return array
    return np.array([in_figure(str(text), _LONGEST_NAME) for text in array.flat], str).reshape(array.shape)
