"""Compute one variant of a view: from a trained model to the view's arrays."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from pellucid import files, plugins, seeds
from pellucid.config.variants import variants
from pellucid.errors import InputError
from pellucid.network.explained_model import ExplainedModel
from pellucid.views.base import ViewData

logger = logging.getLogger(__name__)


def run(
    *,
    view: str,
    variant: str,
    parameters: Mapping[str, Any],
    model: Path | str,
    data_info: Path | str,
    sources: Mapping[str, Path | str],
    seed: int,
    threads: int,
    memory_mb: int,
    arrays: Path | str,
    cost: Path | str,
    texts: Mapping[str, Path | str],
    named: Mapping[str, Path | str] = MappingProxyType({}),
) -> None:
    """Compute one variant of a view.

    Args:
        view: name of the view.
        variant: label of one of the variants of its parameters.
        parameters: its parameters, and `sweep`.
        model: `model.keras`.
        data_info: `data.json`.
        sources: the files of `ViewSpec.sources`, and those of `ViewSpec.further_sources` that are there.
        seed: of the experiment.
        threads, memory_mb: for the model.
        arrays: `.npz`; gets the arrays of the view.
        cost: JSON; gets seconds, passes through the model, and parameters.
        texts: the text files that the view declares, by suffix.
        named: the files that the parameters name, by the address that is written there.

    Raises:
        InputError: the view does not apply to this model.
    """
    plugin = plugins.load("views")[view]
    values = variants(view, parameters)[variant]
    places = ({name: Path(path) for name, path in paths.items()} for paths in (sources, named))
    data = ViewData(files.read_json(data_info), *places)
    explained_model = ExplainedModel.load(model, threads=threads, memory_mb=memory_mb)
    if explained_model.held_inputs and not plugin.SPEC.several_inputs:
        raise InputError(view, "it supports only models of one input, and this model has several.")
    started = time.perf_counter()
    results = plugin.compute(explained_model, data, seeds.generator(seed, "view", variant), **values)
    seconds = time.perf_counter() - started
    for suffix, path in texts.items():
        files.write(path, partial(Path.write_text, data=results.pop(suffix), encoding="utf-8"))
    files.write_arrays(arrays, {name: np.asarray(array) for name, array in results.items()})
    files.write_json(
        cost,
        {
            "seconds": round(seconds, 4),
            "forward_passes": explained_model.forward_passes,
            "backward_passes": explained_model.backward_passes,
            "parameters": values,
        },
    )
    logger.info(
        "%s: %d forward and %d backward passes, %.2f s",
        variant,
        explained_model.forward_passes,
        explained_model.backward_passes,
        seconds,
    )
