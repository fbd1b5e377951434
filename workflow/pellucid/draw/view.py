"""The figure of a view, drawn from its arrays by the module of the view's name in `draw/views/`."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pellucid import figures, files, plugins
from pellucid.explain.variants import variants


def draw(
    *,
    view: str,
    variant: str,
    parameters: Mapping[str, Any],
    title: str,
    facts: Path | str,
    arrays: Path | str,
    pictures: Sequence[Path | str],
) -> None:
    """Draw one variant of a view.

    Args:
        view: name of the view.
        variant: which of the runs that its parameters ask for.
        parameters: its parameters, and `sweep`.
        title: of the experiment.
        facts: `data.json`.
        arrays: what `views.run` wrote.
        pictures: one path per format.
    """
    drawing = importlib.import_module(f"pellucid.draw.views.{view}")
    caption = f"{title} — {plugins.spec('views', view).title}"
    with figures.styled():
        figure = drawing.draw(
            files.read_arrays(arrays), files.read_json(facts), variants(view, parameters)[variant], caption
        )
        figures.save(figure, *pictures)
