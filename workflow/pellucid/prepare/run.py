"""Turn a data source into the arrays that every later stage maps: split, scaled, checked, described."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from pellucid import downloads, files, plugins, seeds
from pellucid.config import model_classes
from pellucid.data_info import DataInfo
from pellucid.datasets.base import MEASURED, RawData
from pellucid.datasets.readers.spill_buffer import SpillBuffer
from pellucid.errors import InputError
from pellucid.lazy_array import LazyRows
from pellucid.messages import abbreviate, comma_list
from pellucid.prepare import memory, other_inputs
from pellucid.prepare.checks import check, first_not_finite, shared_groups
from pellucid.prepare.description import about_undivided, describe
from pellucid.prepare.scaling import rescale
from pellucid.prepare.split import SPLITS, Splits, divide, undivided
from pellucid.prepare.split_shares import line, reached
from pellucid.tasks import OUTPUT_WORDS, REGRESSION, SINGLE_LABEL

logger = logging.getLogger(__name__)

# With folds, the source's notes about its own test set do not apply to the test examples.
_SET_ASIDE = "The test examples are a fold of the source's training examples; its own test set is left aside."
_BOTH_SET_ASIDE = (
    "The test examples are a fold of the source's training examples, and the validation examples are drawn from the "
    "others; its own test and validation sets are left aside."
)
_UNITS = {"standard": "standard deviations", "minmax": "share of range"}


def preprocess(
    *,
    dataset: Mapping[str, Any],
    paths: Mapping[str, str],
    split: Mapping[str, Any] | str,
    scale: str,
    seed: int,
    folder: Path | str,
    memory_mb: int = 1024,
    classes: Sequence[str | int] = (),
    require: Callable[[Sequence[int], int], None] | None = None,
    require_names: Callable[[Sequence[str], str], None] | None = None,
    explained: str | None = None,
) -> None:
    """Load a data source, split and scale it, and write it to `folder`, a large set block by block.

    Args:
        dataset: the experiment's `dataset` entry: source, parameters, checksums.
        paths: the source's files, by the parameter that names them.
        split: the experiment's `split` entry: shares `test` and `validation`, `by_group`, `folds` and `fold`; or
            "none": every split holds all examples.
        scale: none, standard or minmax.
        seed: of the experiment.
        folder: gets `x_<split>.npy` (float32), `labels.npz` (`Examples.y`, per split), `truth.npz` (bool, per split,
            as `Examples.truth`, where the source knows it; `<split>_frequency`, as `Examples.truth_frequency`),
            `measured.npz` (bool, per split, where something was filled), `groups.npz` (str (N,), per split, where the
            source names groups) and `data.json`.
        memory_mb: what the source may keep in memory; the results do not depend on it.
        classes: the model's classes in the order of its outputs, if the model has its own list. They number the labels,
            and some may have no examples. The splits do not depend on them.
        require: refuses an example's lengths, and its number of channels, that the experiment's parameters do not fit.
        require_names: gets the names of the outputs and the task; refuses them if the explained ones are missing.
        explained: the name of the explained input where the source gives several; `x_<split>.npy` holds it, and
            `other_<split>.npz` the others (float32, by name).

    Raises:
        InputError: a file or an example cannot be used, or the model lacks a class.
    """
    folder, source, divided = Path(folder), dataset["source"], split != "none"
    digests = {name: downloads.check(path, **downloads.checksums(dataset, name)) for name, path in paths.items()}
    plugin = plugins.load("datasets")[source]
    parameters = {
        name: value for name, value in plugins.own_parameters(dataset, plugin).items() if name not in plugin.SPEC.files
    }
    raw = other_inputs.explained(_load(source, paths, parameters, seed, folder, memory_mb, classes), explained)
    check(raw, source, least=1 if classes else 2, divided=divided)
    if require is not None:
        # Numbers (N, numbers) are explained along their only axis.
        require(raw.train.x.shape[1:-1] or raw.train.x.shape[1:], len(raw.channels))
    raw, splits = _divide(raw, source, split, seed)
    if classes:
        raw = _named_by_model(raw, splits, classes, parameters.get("class_names"))
    if require_names is not None:
        require_names(raw.classes, raw.task)
    statistics, notes = rescale(splits, scale, raw.channels)
    of_others, notes_of_others = other_inputs.rescaled(splits, scale, raw.inputs)
    about = [] if divided else about_undivided(len(raw.train.y), scale)
    raw = replace(raw, notes=(*raw.notes, *about, *notes, *notes_of_others))
    _write_inputs(splits, folder, source, scale)
    other_inputs.write(splits, folder, source)
    data_info = describe(raw, splits, plugin.SPEC, divided=divided) | {
        "source": source,
        "parameters": parameters,
        "files": {
            name: {"path": dataset.get(name, str(path)), "sha256": digests[name]} for name, path in paths.items()
        },
        "scale": scale,
        "unit": _UNITS.get(scale, raw.unit),
        "statistics": statistics,
        "split": _shares(raw, splits, split),
        "seed": seed,
        **other_inputs.described(raw, splits, {str(explained): statistics, **of_others}, _UNITS.get(scale)),
    }
    _write_rest(splits, folder, cast("DataInfo", data_info))


def _load(
    source: str,
    paths: Mapping[str, str],
    parameters: Mapping[str, Any],
    seed: int,
    folder: Path,
    memory_mb: int,
    classes: Sequence[str | int],
) -> RawData:
    """Load the examples of a source; arguments as those of `preprocess`."""
    plugin = plugins.load("datasets")[source]
    more: dict[str, Any] = {"scratch": SpillBuffer(folder, memory_mb)} if plugin.SPEC.scratch else {}
    if plugin.SPEC.own_labels:
        more["known"] = tuple(str(name) for name in classes)
    with memory.bounded(memory_mb, source):
        raw: RawData = plugin.load(
            {name: Path(path) for name, path in paths.items()},
            seeds.generator(seed, "load", source),
            **parameters,
            **more,
        )
    return raw


def _divide(raw: RawData, source: str, split: Mapping[str, Any] | str, seed: int) -> tuple[RawData, Splits]:
    """Return the data with notes about its split, and the splits.

    Raises:
        InputError: `shared_groups` or `divide` refuse the data.
    """
    if isinstance(split, str):
        return raw, undivided(raw)
    folds = split.get("folds") is not None
    if not folds:
        raw = replace(raw, notes=(*raw.notes, *shared_groups(raw, source, by_group=split.get("by_group", True))))
    splits = divide(raw, **split, rng=seeds.generator(seed, "split"))
    if folds and raw.test is not None:
        raw = replace(raw, notes=(*raw.notes, _SET_ASIDE if raw.validation is None else _BOTH_SET_ASIDE))
    return raw, splits


def _shares(raw: RawData, splits: Splits, split: Mapping[str, Any] | str) -> dict[str, Any]:
    """Return the shares of the splits that were asked for and reached."""
    own = {"own_test": raw.test is not None, "own_validation": raw.validation is not None}
    return reached(splits, list(raw.classes), split, **own, task=raw.task)


def _write_inputs(splits: Splits, folder: Path, source: str, scale: str) -> None:
    """Write the inputs of each split, and let the split map the written file.

    Raises:
        InputError: a value is too large for float32.
    """
    for name, split in splits.items():
        files.write_array(folder / f"x_{name}.npy", split.x)
        # The written values need not be scaled again.
        split.x = LazyRows(files.map_array(folder / f"x_{name}.npy"))
        if (index := first_not_finite(split.x)) is not None:
            found = f"values in example {index} that float32 cannot hold"
            hint = "scale: standard brings them near 0." if scale == "none" else "Use another unit."
            raise InputError.unexpected(f"{source}, {name}", found, "at most 3e38, scaled or not", hint)


def _write_rest(splits: Splits, folder: Path, data_info: DataInfo) -> None:
    """Write labels, truth, what was measured, groups, and `data.json`."""
    files.write_arrays(folder / "labels.npz", {name: splits[name].y for name in SPLITS})
    truths = {name: truth for name in SPLITS if (truth := splits[name].truth) is not None}
    of_bins = {f"{name}_frequency": bins for name in SPLITS if (bins := splits[name].truth_frequency) is not None}
    files.write_arrays(folder / "truth.npz", truths | of_bins)
    measured = {name: filling.equal(MEASURED) for name in SPLITS if (filling := splits[name].filling) is not None}
    files.write_arrays(folder / "measured.npz", measured)
    groups = {name: group for name in SPLITS if (group := splits[name].group) is not None}
    files.write_arrays(folder / "groups.npz", groups)
    files.write_json(folder / "data.json", data_info)
    if data_info["split"]["by_group"] and (shares := line(data_info["split"])):
        logger.info("splits by group: %s", shares)
    counts = ", ".join(f"{len(splits[name].y):,} {name}" for name in SPLITS)
    if "none" in data_info["split"]:
        counts = f"{len(splits['test'].y):,}, not divided"
    shape = "×".join(str(size) for size in data_info["shape"])
    logger.info("%s: %s examples of shape %s", data_info["source"], counts, shape)


def _named_by_model(raw: RawData, splits: Splits, classes: Sequence[str | int], class_names: Any) -> RawData:
    """Return the data with the names of the model's outputs, by which labels are numbered in place, in all splits."""
    if raw.classes:
        # After the split, which draws class by class in the data's own order.
        return number_by_outputs(raw, splits, classes, class_names)
    units = raw.units or ("",) * (len(classes) if raw.task == REGRESSION else 0)
    return replace(raw, classes=tuple(map(str, classes)), units=units)


def number_by_outputs(raw: RawData, splits: Splits, classes: Sequence[str | int], class_names: Any) -> RawData:
    """Number the labels of all splits by a model's outputs, in place; return the data with the model's classes.

    Raises:
        InputError: `model_classes.matched` refuses the classes.
    """
    if raw.task != SINGLE_LABEL:
        return _order_by_outputs(raw, splits, classes, class_names)
    occurring = set(np.concatenate([split.y for split in splits.values()]).tolist())
    names, outputs = model_classes.matched(raw.classes, occurring, classes, class_names)
    for split in splits.values():
        split.y = outputs[split.y]
    return replace(raw, classes=names)


def _order_by_outputs(raw: RawData, splits: Splits, classes: Sequence[str | int], class_names: Any) -> RawData:
    """Order the labels or values of all splits by a model's outputs, in place, as `number_by_outputs` does.

    Raises:
        InputError: the model and the data do not have the same labels or values: whether an example has a label that no
            column holds is not known.
    """
    words = OUTPUT_WORDS[raw.task]
    names, outputs = model_classes.matched(raw.classes, range(len(raw.classes)), classes, class_names)
    if lacking := [name for name in names if name not in raw.classes]:
        found = f"{comma_list(abbreviate(name) for name in lacking[:5])}, which the data do not have"
        hint = f"Give the data a column for each of the model's {words}; or label: none, to explain without them."
        raise InputError.unexpected("model.classes", found, f"the data's {words}: {comma_list(raw.classes[:20])}", hint)
    order = np.argsort(outputs)
    for split in splits.values():
        split.y = split.y[:, order]
        if split.truth is not None:
            split.truth = replace(split.truth, source=split.truth.source[..., order])
        if split.truth_frequency is not None:
            split.truth_frequency = replace(split.truth_frequency, source=split.truth_frequency.source[..., order])
    return replace(raw, classes=names, units=tuple(raw.units[place] for place in order) if raw.units else ())
