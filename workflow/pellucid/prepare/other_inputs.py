"""The inputs of a model beside the explained one, which keep the values of the example while it is explained.

The explained input is written to `x_<split>.npy`, as the only one of other data is, the others to `other_<split>.npz`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files
from pellucid.data_info import InputInfo
from pellucid.datasets.base import Input, RawData, Values
from pellucid.errors import InputError
from pellucid.lazy_array import LazyRows
from pellucid.messages import abbreviate, comma_list, did_you_mean
from pellucid.prepare.checks import first_not_finite
from pellucid.prepare.scaling import rescale
from pellucid.prepare.split import SPLITS, Splits

# Offset and divisor of each channel, by the name of the input.
Statistics = Mapping[str, Mapping[str, list[float]]]


def explained(raw: RawData, name: str | None) -> RawData:
    """Return the data with the explained input as x, with its channels, unit and sampling rate.

    Args:
        raw: what the source gave; changed in place.
        name: of the input; None of data with one.

    Raises:
        InputError: the data have no such input.
    """
    if name is None and not raw.inputs:
        return raw
    known = {about.name: about for about in raw.inputs}
    if name not in known:
        expected = f"an input of the data: {comma_list(map(abbreviate, known))}" if known else "nothing: there is one"
        hint = did_you_mean(str(name), known).strip()
        raise InputError.unexpected("examples.input", abbreviate(name), expected, hint)
    first, about = raw.inputs[0].name, known[name]
    for examples in (raw.train, raw.validation, raw.test):
        if examples is not None and name != first:
            others = {first: Values(examples.x, examples.filling), **examples.others}
            chosen = others.pop(name)
            examples.x, examples.filling, examples.others = chosen.x, chosen.filling, others
    inputs = (about, *(other for other in raw.inputs if other.name != name))
    unit = about.units[0] if len(set(about.units)) == 1 else ""
    return replace(raw, channels=about.channels, unit=unit, sampling_rate=about.sampling_rate, inputs=inputs)


def rescaled(
    splits: Splits, scale: str, inputs: Iterable[Input]
) -> tuple[dict[str, dict[str, list[float]]], list[str]]:
    """Scale the other inputs of all splits, as `scaling.rescale` does; return their statistics, and notes.

    Raises:
        InputError: values are too large, or too close to each other; names the input.
    """
    statistics, notes = dict[str, dict[str, list[float]]](), list[str]()
    for about in inputs:
        if about.name not in splits["train"].others:
            continue
        sides = {name: split.others[about.name] for name, split in splits.items()}
        try:
            statistics[about.name], found = rescale(sides, scale, about.channels)
        except InputError as error:
            raise InputError(f"input {about.name}", str(error)) from None
        notes += [f"Input {about.name}: {note}" for note in found]
    return statistics, notes


def write(splits: Splits, folder: Path, source: str) -> None:
    """Write `other_<split>.npz` of each split with other inputs, and let the splits map the written values.

    Raises:
        InputError: a value is too large for float32.
    """
    for name in SPLITS:
        if not (others := splits[name].others):
            continue
        path = folder / f"other_{name}.npz"
        files.write_arrays(path, {called: side.x for called, side in others.items()})
        written = files.map_arrays(path)
        for called, side in others.items():
            # The written values need not be scaled again.
            side.x = LazyRows(written[called])
            if (index := first_not_finite(side.x)) is not None:
                found = f"values in example {index} of the input {abbreviate(called)} that float32 cannot hold"
                raise InputError.unexpected(
                    f"{source}, {name}", found, "at most 3e38, scaled or not", "Use another unit."
                )


def described(raw: RawData, splits: Splits, statistics: Statistics, scaled: str | None) -> dict[str, Any]:
    """Return what `data.json` says of several inputs; nothing of one.

    Args:
        raw: its first input is the explained one.
        splits: scaled.
        statistics: offset and divisor of each input's channels, none where nothing is scaled.
        scaled: the unit of all values after scaling; None where they are as the source gives them.
    """
    if not raw.inputs:
        return {}
    train = splits["train"]
    shapes = {raw.inputs[0].name: train.x.shape[1:], **{name: side.x.shape[1:] for name, side in train.others.items()}}
    inputs: list[InputInfo] = [
        {
            "name": about.name,
            "shape": list(shapes[about.name]),
            "channels": list(about.channels),
            "units": [scaled] * len(about.channels) if scaled else list(about.units),
            "sampling_rate_hz": about.sampling_rate,
            "scale_statistics": dict(statistics.get(about.name, {})),
        }
        for about in raw.inputs
    ]
    return {"explained_input": raw.inputs[0].name, "inputs": inputs}


def of_examples(path: Path | str | None, indices: NDArray[np.int64]) -> dict[str, LazyRows]:
    """Return the other inputs of some examples as the files of examples hold them: `other/<name>`, rows as the indices.

    The values are read when they are written: a whole test set may be larger than the memory.

    Args:
        path: `other_<split>.npz`; None of data with one input.
        indices: of the examples.
    """
    if path is None:
        return {}
    return {f"other/{name}": LazyRows(array, indices) for name, array in files.map_arrays(path).items()}
