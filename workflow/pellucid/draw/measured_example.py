"""Figure of one measured example with its attributions, as the figure of an explanation shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files
from pellucid.config.variants import method_of, variants_in_time
from pellucid.draw import explanation, style
from pellucid.errors import InputError
from pellucid.explain.shared.measured_maps import MeasuredMaps
from pellucid.targets import evidence


def draw(
    *,
    variant: str,
    parameters: Mapping[str, Any],
    index: int,
    maps: Sequence[Path | str],
    examples: Path | str,
    x: Path | str,
    truth: Path | str,
    filled: Path | str,
    data: Path | str,
    title: str,
    pictures: Sequence[Path | str],
) -> None:
    """Draw one example; one that stands for several labels is drawn once for each.

    Args:
        variant: name of the variant.
        parameters: of its method, and `sweep`.
        index: of the example among the test examples.
        maps: of all parts, in their order.
        examples: the measured examples.
        x, truth, filled: `x_test.npy`, `truth.npz` and `measured.npz`.
        data: `data.json`.
        title: of the experiment.
        pictures: one path per format.

    Raises:
        InputError: the example is not measured.
    """
    chosen = files.read_arrays(examples)
    rows = np.flatnonzero(chosen["indices"] == index)
    if not len(rows):
        some = ", ".join(map(str, chosen["indices"][:8]))
        raise InputError.unexpected(
            "test example", str(index), f"a measured one: {some}, …", "Set examples.summarise to all to measure each."
        )
    runs = variants_in_time(method_of(variant), parameters)
    opened = MeasuredMaps.open(maps, variant, list(runs), None, chosen["indices"])
    arrays = _arrays(chosen, rows, opened[rows], x, truth, filled)
    drawn = explanation.figure(
        method_of(variant),
        runs[variant],
        variant,
        arrays | {"variants": np.array([variant])},
        style.data_info(data),
        title=f"test example {index}; {title}",
        common=True,
    )
    style.save(drawn, *pictures)


def _arrays(
    chosen: Mapping[str, NDArray[Any]],
    rows: NDArray[np.int64],
    maps: NDArray[np.float32],
    x: Path | str,
    truth: Path | str,
    filled: Path | str,
) -> dict[str, NDArray[Any]]:
    """Return what `attributions.npz` would hold of these examples alone."""
    keys = ("indices", "labels", "targets", "predictions", "probabilities", "answers")
    arrays = {key: chosen[key][rows] for key in keys if key in chosen}
    where = chosen["indices"][rows]
    arrays["inputs"], arrays["attributions"] = np.asarray(files.map_array(x)[where]), maps[np.newaxis]
    for name, path in (("truth", truth), ("measured", filled)):
        if "test" in (of_split := files.map_arrays(path)):
            arrays[name] = np.asarray(of_split["test"][where])
    if "truth" in arrays:
        arrays["truth"] = evidence(arrays["truth"], arrays["targets"], arrays["inputs"].ndim)
    if "measured" in arrays:
        # The attributions of padding were set to 0 when they were written.
        arrays["unmeasured_share"] = np.zeros((1, len(rows)))
    return arrays
