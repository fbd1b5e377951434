"""Figure of neuron attribution: of each example a panel for each of its filters, laid out as an explanation."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pellucid.data_info import DataInfo
from pellucid.draw import explanation, style
from pellucid.draw.layouts import base, leads
from pellucid.draw.shared import heading, held_inputs, task_heading
from pellucid.draw.shared.panel_scales import PanelScales, short
from pellucid.draw.shared.passed_share import NAMES, in_words

_OF_AN_EXAMPLE = ("labels", "predictions", "probabilities", "answers", "targets", "inputs", "measured")
_MOST = 4  # filters of an example in one figure; the arrays hold all


@dataclass(frozen=True)
class _Sheet(base.Sheet):
    """A sheet whose panels are filters, several of each example."""

    def heading(self, index: int, width: float) -> str:
        """Return the filter with its conductance; in the first panel of an example its classes as well."""
        return "\n".join(textwrap.fill(line, int(width / base.LETTER)) or " " for line in self._lines(index))

    def short_heading(self, index: int, width: float) -> str:
        """Return the same; the layouts break no line of it."""
        return self.heading(index, width)

    def _lines(self, index: int) -> list[str]:
        conductance = self.arrays["conductance"][index]
        lines = [f"{_name(self.arrays['units'][index])}: {'' if conductance < 0 else '+'}{short(conductance)}"]
        if index % self.columns:
            # An empty line, so that the panels of an example stand on one line.
            return ["", *lines]
        target = task_heading.of_target(self.data_info, self.arrays, index)
        words = heading.of_example(self.data_info, self.arrays, index)
        return [words + (f"; explained: {target}" if target else ""), *lines]


def draw(
    arrays: Mapping[str, NDArray[Any]], data_info: DataInfo, parameters: Mapping[str, Any], caption: str
) -> Figure:
    """Draw the maps of the filters on the input.

    Args:
        arrays: what the view computed.
        data_info: `data.json`.
        parameters: of the view.
        caption: the first line of the heading.
    """
    count, of = min(arrays["units"].shape[1], _MOST), NAMES[str(parameters["of"])]
    maps = arrays["maps"][:, :count]
    examples = len(maps)
    flat = {name: np.repeat(arrays[name], count, axis=0) for name in _OF_AN_EXAMPLE if name in arrays}
    flat |= {name: arrays[name][:, :count].reshape(-1, *arrays[name].shape[2:]) for name in ("units", "conductance")}
    measured = flat.get("measured")
    flat["inputs"] = style.unmeasured_as_nan(flat["inputs"], measured)
    shown = style.unmeasured_as_nan(maps.reshape(-1, *maps.shape[2:]), measured)
    if data_info["kind"] == "image":
        # A pixel has one colour: for the sum of its channels.
        shown = shown.sum(-1, keepdims=True)
    layout = explanation.layout_of(data_info)
    sheet = _Sheet(
        data_info=data_info,
        arrays=flat,
        maps=shown,
        rows=np.split(np.arange(examples * count), examples),
        scales=PanelScales(
            shown,
            np.arange(len(shown)),
            signed=True,
            common=False,
            colours=leads.colours(signed=True) if layout is leads.draw else None,
        ),
        unit=_unit(str(parameters["of"]), data_info, flat),
        per_channel=True,
        caption=caption + _words(arrays, parameters, of, count) + _held(data_info),
    )
    with style.styled():
        return layout(sheet)


def _words(arrays: Mapping[str, NDArray[Any]], parameters: Mapping[str, Any], of: str, count: int) -> str:
    """Return what the caption says below the title."""
    where = "all positions" if parameters["position"] == "all" else "the position of the largest conductance"
    total = int(arrays["n_filters"])
    which = (
        f"of each example the {count} of {total} filters of the largest conductance"
        if parameters["units"] == "strongest"
        else heading.of_count(count, total, "filters")
    )
    colours = f"colours: {of}"
    if of != NAMES["conductance"]:
        colours += " of the filter's own output"
    return f": {arrays['layer']}\n{which}, at {where}; numbers: their conductance; {colours}" + in_words(
        arrays, {**parameters, "of": "conductance"}
    )


def _unit(of: str, data_info: DataInfo, arrays: Mapping[str, NDArray[Any]]) -> str:
    if of == "conductance":
        return task_heading.of_unit("share of the logit", task_heading.task_of(data_info), arrays)
    return "share of the filter's output" if of == "integrated_gradients" else "filter's output per unit of the input"


def _held(data_info: DataInfo) -> str:
    return f"\n{held_inputs.in_words(data_info)}" if "explained_input" in data_info else ""


def _name(unit: NDArray[np.int64]) -> str:
    """Return how a unit is called, such as #12 or #12 at (3, 4)."""
    places = [str(place) for place in unit[:-1] if place >= 0]
    where = f" at {places[0] if len(places) == 1 else '(' + ', '.join(places) + ')'}" if places else ""
    return f"#{unit[-1]}{where}"
