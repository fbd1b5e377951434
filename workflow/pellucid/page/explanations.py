"""Prepare the explained examples and their maps for the page's explorer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, plugins
from pellucid.config.variants import TIME, domain_of, in_words, variants, variants_in_time
from pellucid.data_info import DataInfo
from pellucid.draw.shared import task_heading
from pellucid.draw.shared.families import FAMILIES
from pellucid.explain.base import holds, unit_of
from pellucid.explain.shared import flat_maps
from pellucid.page import example_facts, packing
from pellucid.page.disagreement import correlations, disagreement

# Correlations, at most: one for each pair of explanations and each example.
_MOST_PAIRS = 100_000


@dataclass(frozen=True)
class Explanation:
    """One variant of a method.

    Attributes:
        label: of the variant.
        method: its name.
        parameters: of the variant.
        maps: (N, *shape), mapped from their file.
    """

    label: str
    method: str
    parameters: Mapping[str, Any]
    maps: NDArray[np.float32]

    @property
    def spec(self) -> Any:
        """Return what the method declares about itself."""
        return plugins.spec("explain", self.method)

    @property
    def family(self) -> str:
        """Return the family of the method."""
        return str(self.spec.family)

    def channels(self, shape: Sequence[int], image: bool) -> int:
        """Return how many channels of the maps are shown: an image has one colour for each pixel."""
        return shape[-1] if not image and holds(self.spec.per_channel, self.parameters) else 1

    def shown(self, examples: NDArray[np.int64], image: bool) -> NDArray[np.float32]:
        """Return the maps of some examples as figures show them: (n, *axes, channels)."""
        maps = np.asarray(self.maps[examples])
        if not holds(self.spec.per_channel, self.parameters):
            return maps[..., :1]
        return maps.sum(-1, keepdims=True) if image else maps


def read(
    methods: Mapping[str, Mapping[str, Any]], attributions: Mapping[str, Path | str]
) -> tuple[list[Explanation], dict[str, NDArray[Any]]]:
    """Return every explanation in time, family by family, and the arrays that all methods share.

    The page lays maps over the examples, which maps over frequencies do not fit.
    """
    explained: list[Explanation] = []
    shared: dict[str, NDArray[Any]] = {}
    for family in FAMILIES:
        for method in (name for name in methods if plugins.spec("explain", name).family == family):
            arrays = files.map_arrays(attributions[method])
            labels = [str(label) for label in arrays["variants"]]
            for label, parameters in variants_in_time(method, methods[method]).items():
                explained.append(Explanation(label, method, parameters, arrays["attributions"][labels.index(label)]))
            shared = arrays
    return explained, shared


def of_other_domains(methods: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Return the method and the parameters of each explanation that is not over time, by its label."""
    return {
        label: (method, parameters)
        for method in methods
        for label, parameters in variants(method, methods[method]).items()
        if domain_of(parameters) != TIME
    }


def content(explained: Sequence[Explanation], shared: Mapping[str, NDArray[Any]], data: DataInfo) -> dict[str, Any]:
    """Return the explorer's part of the page's JSON: examples, explanations, and their arrays.

    Args:
        explained: what `read` returned, at least one.
        shared: likewise.
        data: `data.json`, with names as figures show them.
    """
    inputs, image = shared["inputs"], data["kind"] == "image"
    *sizes, depth = inputs.shape[1:]
    channels = [depth, *(explanation.channels(inputs.shape[1:], image) for explanation in explained)]
    fit = packing.plan(sizes, channels, len(inputs))
    wrong = example_facts.are_wrong(shared, data)
    chosen = _chosen(shared["labels"], wrong, fit.examples)
    similar = correlations([explanation.maps for explanation in explained], shared.get("measured"))[chosen]
    compared = [place for place, explanation in enumerate(explained) if explanation.family != "control"]
    explorer = {
        "of": len(inputs),
        "dtype": fit.dtype,
        "block": fit.block,
        "examples": example_facts.of_examples(shared, data, chosen, wrong, disagreement(similar, compared)),
        "explanations": [
            {**_about(explanation, shared, data), "flat": _flat(explanation, shared, chosen)}
            for explanation in explained
        ],
        "inputs": packing.pack(packing.averaged(np.asarray(inputs[chosen]), fit.block), fit.dtype, centred=True),
        "maps": [
            packing.pack(packing.averaged(explanation.shown(chosen, image), fit.block), fit.dtype)
            for explanation in explained
        ],
        "compared": len(compared),
    }
    if similar.size <= _MOST_PAIRS:
        explorer["similar"] = packing.pack(similar, "float32")
    for name in ("truth", "measured"):
        if name in shared:
            explorer[name] = packing.pack_bits(packing.averaged(np.asarray(shared[name][chosen]), fit.block))
    return explorer


def _chosen(labels: NDArray[np.int64], wrong: NDArray[np.bool_], number: int) -> NDArray[np.int64]:
    """Return the examples that the page holds: one of each class, then a second of each, and so on; errors first."""
    right = ~wrong
    if number >= len(labels):
        return np.arange(len(labels))
    order = np.argsort(right, kind="stable")
    turn = np.zeros(len(labels), np.int64)
    for label in np.unique(labels):
        members = order[labels[order] == label]
        turn[members] = np.arange(len(members))
    return np.sort(np.lexsort((np.arange(len(labels)), right, turn))[:number])


def _flat(explanation: Explanation, shared: Mapping[str, NDArray[Any]], chosen: NDArray[np.int64]) -> list[int]:
    """Return the places of the chosen examples whose map is the same everywhere, before it is stored coarsely."""
    measured = np.asarray(shared["measured"][chosen]) if "measured" in shared else None
    places: list[int] = np.flatnonzero(flat_maps.are_flat(np.asarray(explanation.maps[chosen]), measured)).tolist()
    return places


def _about(explanation: Explanation, shared: Mapping[str, NDArray[Any]], data: DataInfo) -> dict[str, Any]:
    """Return the facts of an explanation that the explorer shows."""
    spec, parameters, image = explanation.spec, explanation.parameters, data["kind"] == "image"
    unit = task_heading.of_unit(unit_of(spec, parameters), task_heading.task_of(data), shared)
    summed = image and holds(spec.per_channel, parameters) and explanation.maps.shape[-1] > 1
    return {
        "label": explanation.label,
        "title": spec.title,
        "family": explanation.family,
        "unit": unit + (", sum of the channels" if summed else ""),
        "signed": holds(spec.signed, parameters),
        "settings": in_words(parameters),
    }
