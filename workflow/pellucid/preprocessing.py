"""From a data source to the arrays that every later stage maps: split, scaled, checked, described."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import downloads, files, plugins, seeds
from pellucid.datasets.base import Examples, RawData
from pellucid.errors import InputError

logger = logging.getLogger(__name__)

Splits = dict[str, Examples]
SPLITS = ("train", "validation", "test")


def preprocess(
    *,
    dataset: Mapping[str, Any],
    paths: Mapping[str, str],
    split: Mapping[str, Any],
    scale: str,
    seed: int,
    folder: Path | str,
) -> None:
    """Load a data source, split and scale it, and write it to `folder`.

    Args:
        dataset: the experiment's `dataset` entry: source, parameters, checksums.
        paths: the source's files, by the parameter that names them.
        split: the experiment's `split` entry: shares `test` and `validation`, `by_group`, `folds` and `fold`.
        scale: none, standard or minmax.
        seed: of the experiment.
        folder: gets `x_<split>.npy` (float32), `labels.npz` (int64 per split), `truth.npz` (bool, per split, where
            the source knows it) and `data.json`.

    Raises:
        InputError: a file or an example that cannot be used.
    """
    folder = Path(folder)
    source = dataset["source"]
    plugin = plugins.load("datasets")[source]
    digests = {name: downloads.check(path, **downloads.checksums(dataset, name)) for name, path in paths.items()}
    own = {
        name: value
        for name, value in dataset.items()
        if name in plugin.SPEC.parameters and name not in plugin.SPEC.files
    }
    raw: RawData = plugin.load(
        {name: Path(path) for name, path in paths.items()}, seeds.generator(seed, "load", source), **own
    )
    check(raw, source)
    splits = divide(raw, **split, rng=seeds.generator(seed, "split"))
    statistics = rescale(splits, scale)
    facts = describe(raw, splits, plugin.SPEC) | {
        "source": source,
        "parameters": own,
        "files": {
            name: {"path": dataset.get(name, str(path)), "sha256": digests[name]} for name, path in paths.items()
        },
        "scale": scale,
        "statistics": statistics,
        "seed": seed,
    }
    for name in SPLITS:
        files.write_array(folder / f"x_{name}.npy", splits[name].x)
    files.write_arrays(folder / "labels.npz", {name: splits[name].y for name in SPLITS})
    truths = {name: truth for name in SPLITS if (truth := splits[name].truth) is not None}
    files.write_arrays(folder / "truth.npz", truths)
    files.write_json(folder / "data.json", facts)
    counts = ", ".join(f"{len(splits[name].y):,} {name}" for name in SPLITS)
    logger.info("%s: %s examples of shape %s", source, counts, "×".join(str(n) for n in facts["shape"]))


def check(raw: RawData, source: str) -> None:
    """Refuse data that no model could learn from.

    Raises:
        InputError: no examples, values that are not finite, labels out of range, too few classes or examples.
    """
    for name, examples in (("train", raw.train), ("test", raw.test)):
        if examples is None:
            continue
        where = f"{source}, {name}"
        if len(examples.x) == 0:
            raise InputError(where, "no examples", "at least one")
        if not np.isfinite(examples.x).all():
            index = int(np.argwhere(~np.isfinite(examples.x))[0][0])
            raise InputError(where, f"NaN or infinity in example {index}", "finite values")
        if examples.y.min() < 0 or examples.y.max() >= len(raw.classes):
            found = f"labels from {examples.y.min()} to {examples.y.max()}"
            raise InputError(where, found, f"labels from 0 to {len(raw.classes) - 1}")
    counts = np.bincount(raw.train.y, minlength=len(raw.classes))
    if np.count_nonzero(counts) < 2:
        raise InputError(f"{source}, train", "examples of one class", "at least two classes")
    if (few := counts[counts > 0].min()) < (3 if raw.test is None else 2):
        name = raw.classes[int(np.argmax(counts == few))]
        raise InputError(f"{source}, train", f"{few} example(s) of class {name}", "enough for every split")


def divide(
    raw: RawData,
    *,
    test: float,
    validation: float,
    rng: np.random.Generator,
    by_group: bool = True,
    folds: int | None = None,
    fold: int = 0,
) -> Splits:
    """Draw the splits class by class: the test set where the source has none, and validation out of train.

    Args:
        raw: what the source gave.
        test: share of the examples; of use where the source has no test set, and without folds.
        validation: share of the training examples.
        rng: draws them.
        by_group: keep the examples of a group on one side, where the source names groups.
        folds: divide the training examples into so many folds, of which one is the test set; a test set of the
            source's own is then left aside.
        fold: which one, from 0.

    Raises:
        InputError: a split without examples, or fewer groups than it takes.
    """
    everything = raw.train
    group = everything.group if by_group else None
    kept = np.arange(len(everything.y))
    tested = raw.test
    if folds is not None:
        kept, drawn = in_folds(everything.y, group, folds, rng)[fold]
        tested = take(everything, drawn)
    elif tested is None:
        kept, drawn = drawn_split(everything.y, group, test, rng)
        tested = take(everything, drawn)
    fitted, held = drawn_split(everything.y[kept], None if group is None else group[kept], validation, rng)
    splits = {"train": take(raw.train, kept[fitted]), "validation": take(raw.train, kept[held]), "test": tested}
    for name, examples in splits.items():
        if len(examples.y) == 0:
            raise InputError(f"split, {name}", "no examples", "some", "Give more examples, or other shares.")
        if missing := [raw.classes[label] for label in np.setdiff1d(raw.train.y, examples.y)]:
            logger.warning("the %s examples have none of class %s", name, ", ".join(missing))
    return splits


def drawn_split(
    y: NDArray[np.int64], group: NDArray[np.str_] | None, share: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide indices into (rest, drawn), class by class; with groups, whole groups that come to about that share."""
    if group is None:
        return stratified(y, share, rng)
    return in_folds(y, group, max(2, round(1 / share)), rng)[0]


def in_folds(
    y: NDArray[np.int64], group: NDArray[np.str_] | None, folds: int, rng: np.random.Generator
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Indices as (rest, fold) for each fold; every class is spread over the folds as evenly as the groups allow.

    Raises:
        InputError: fewer groups, or fewer examples of a class, than folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    if group is None:
        if (least := np.bincount(y)[np.unique(y)].min()) < folds:
            raise InputError("split", f"a class with {least} example(s)", f"{folds}, one for each fold")
    elif (count := len(np.unique(group))) < folds:
        raise InputError(
            "split",
            f"{count} group(s)",
            f"{folds} or more",
            "Give more groups, other shares, or split.by_group: false.",
        )
    kind = StratifiedKFold if group is None else StratifiedGroupKFold
    drawn = kind(folds, shuffle=True, random_state=int(rng.integers(2**31)))
    return [(rest, fold) for rest, fold in drawn.split(np.zeros(len(y)), y, group)]


def stratified(
    y: NDArray[np.int64], share: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide indices into (rest, drawn), with `share` of every class drawn: at least one, and never all of a class."""
    drawn = []
    for label in np.unique(y):
        members = np.flatnonzero(y == label)
        count = min(max(1, round(share * len(members))), len(members) - 1)
        drawn.append(rng.permutation(members)[:count])
    chosen = np.sort(np.concatenate(drawn))
    return np.setdiff1d(np.arange(len(y)), chosen), chosen


def take(examples: Examples, indices: NDArray[np.int64]) -> Examples:
    """The examples at `indices`."""
    truth = None if examples.truth is None else examples.truth[indices]
    group = None if examples.group is None else examples.group[indices]
    return Examples(examples.x[indices], examples.y[indices], truth, group)


def rescale(splits: Splits, scale: str) -> dict[str, list[float]]:
    """Scale all splits in place, channel by channel, with the statistics of train alone.

    Returns:
        The offset and the divisor of each channel; empty for `none`.
    """
    if scale == "none":
        return {}
    train = splits["train"].x
    axes = tuple(range(train.ndim - 1))
    if scale == "standard":
        offset, divisor = train.mean(axes, np.float64), train.std(axes, np.float64)
    else:
        offset = train.min(axes).astype(np.float64)
        divisor = train.max(axes) - offset
    # A channel that never varies carries nothing: it becomes zero rather than infinite.
    divisor = np.where(divisor > 0, divisor, 1.0)
    for examples in splits.values():
        examples.x = ((examples.x - offset) / divisor).astype(np.float32)
    return {"offset": offset.tolist(), "divisor": divisor.tolist()}


def duplicates(splits: Splits) -> dict[str, int]:
    """How many examples occur again, byte for byte: within a split, and in train as well as elsewhere."""
    # A view of each example as one item of raw bytes lets numpy compare whole examples at once.
    rows = {name: _as_items(examples.x) for name, examples in splits.items()}
    unique = {name: np.unique(items) for name, items in rows.items()}
    found = {f"within_{name}": len(rows[name]) - len(unique[name]) for name in SPLITS}
    for name, other in (("validation", "train"), ("test", "train"), ("test", "validation")):
        found[f"{name}_in_{other}"] = int(np.isin(rows[name], unique[other]).sum())
    return found


def _as_items(x: NDArray[np.float32]) -> NDArray[np.void]:
    flat = np.ascontiguousarray(x.reshape(len(x), -1))
    return flat.view(np.dtype((np.void, flat.dtype.itemsize * flat.shape[1]))).ravel()


def describe(raw: RawData, splits: Splits, spec: Any) -> dict[str, Any]:
    """The facts about the data that figures, tracking and report show."""
    for note in raw.notes:
        logger.warning("%s", note)
    repeated = duplicates(splits)
    if repeated["test_in_train"]:
        share = repeated["test_in_train"] / len(splits["test"].y)
        logger.warning("%d test examples (%.1f%%) are also in train", repeated["test_in_train"], 100 * share)
    return {
        "title": spec.title,
        "kind": spec.kind,
        "licence": spec.licence,
        "citation": spec.citation,
        "homepage": spec.homepage,
        "classes": list(raw.classes),
        "channels": list(raw.channels),
        "unit": raw.unit,
        "sampling_rate_hz": raw.sampling_rate,
        "notes": list(raw.notes),
        "groups": {name: sorted(set(group.tolist())) for name in SPLITS if (group := splits[name].group) is not None},
        "shape": list(raw.train.x.shape[1:]),
        "counts": {
            name: dict(zip(raw.classes, np.bincount(splits[name].y, minlength=len(raw.classes)).tolist(), strict=True))
            for name in SPLITS
        },
        "duplicates": repeated,
        "digest": files.digest({name: [splits[name].x, splits[name].y] for name in SPLITS}),
    }
