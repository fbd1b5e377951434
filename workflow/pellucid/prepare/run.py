"""From a data source to the arrays that every later stage maps: split, scaled, checked, described."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import downloads, files, plugins, seeds
from pellucid.config import model_classes
from pellucid.datasets.base import MEASURED, Examples, RawData
from pellucid.datasets.readers.spill_buffer import SpillBuffer
from pellucid.errors import InputError
from pellucid.lazy_array import Array, LazyRows, blocks
from pellucid.messages import abbreviate, comma_list
from pellucid.prepare import group_split, memory
from pellucid.prepare.scaling import rescale
from pellucid.prepare.split_shares import line, reached
from pellucid.shares import round_of

logger = logging.getLogger(__name__)

SPLITS = ("train", "validation", "test")
# What the source's own notes say of its test set is not of the test examples then.
_SHOWN_GROUPS = 6
_SET_ASIDE = "The test examples are a fold of the source's training examples; its own test set is left aside."


@dataclass
class Split:
    """The examples of one split, as in `Examples`; what is not in memory is read where it is needed."""

    x: LazyRows
    y: NDArray[np.int64]
    truth: LazyRows | None = None
    group: NDArray[np.str_] | None = None
    filling: LazyRows | None = None


Splits = dict[str, Split]


def preprocess(
    *,
    dataset: Mapping[str, Any],
    paths: Mapping[str, str],
    split: Mapping[str, Any],
    scale: str,
    seed: int,
    folder: Path | str,
    memory_mb: int = 1024,
    classes: Sequence[str | int] = (),
    require: Callable[[Sequence[int]], None] | None = None,
) -> None:
    """Load a data source, split and scale it, and write it to `folder`, of a large set one block after the other.

    Args:
        dataset: the experiment's `dataset` entry: source, parameters, checksums.
        paths: the source's files, by the parameter that names them.
        split: the experiment's `split` entry: shares `test` and `validation`, `by_group`, `folds` and `fold`.
        scale: none, standard or minmax.
        seed: of the experiment.
        folder: gets `x_<split>.npy` (float32), `labels.npz` (int64 per split), `truth.npz` (bool, per split, where
            the source knows it), `measured.npz` (bool, per split, where something was filled) and `data.json`.
        memory_mb: what the source may keep in memory; it changes nothing in what is written.
        classes: those of the model in the order of its outputs, where it has some of its own: labels are numbered by
            it, and the data may lack some. The splits are the same with and without it.
        require: refuses sizes of an example, without the channels, that the experiment's windows do not fit.

    Raises:
        InputError: a file or an example that cannot be used, or a class that the model lacks.
    """
    folder = Path(folder)
    source = dataset["source"]
    plugin = plugins.load("datasets")[source]
    digests = {name: downloads.check(path, **downloads.checksums(dataset, name)) for name, path in paths.items()}
    own = {
        name: value for name, value in plugins.own_parameters(dataset, plugin).items() if name not in plugin.SPEC.files
    }
    room: dict[str, Any] = {"scratch": SpillBuffer(folder, memory_mb)} if plugin.SPEC.scratch else {}
    if plugin.SPEC.own_labels:
        room["known"] = tuple(str(name) for name in classes)
    with memory.bounded(memory_mb, source):
        raw: RawData = plugin.load(
            {name: Path(path) for name, path in paths.items()}, seeds.generator(seed, "load", source), **own, **room
        )
    check(raw, source, least=1 if classes else 2)
    if require is not None:
        require(raw.train.x.shape[1:-1])
    if split.get("folds") is None:
        raw = replace(raw, notes=(*raw.notes, *about_groups(raw, source, by_group=split.get("by_group", True))))
    splits = divide(raw, **split, rng=seeds.generator(seed, "split"))
    if split.get("folds") is not None and raw.test is not None:
        raw = replace(raw, notes=(*raw.notes, _SET_ASIDE))
    if classes:
        # After the split, which draws class by class in the data's own order.
        raw = number_by_outputs(raw, splits, classes, own.get("class_names"))
    statistics, notes = rescale(splits, scale, raw.channels)
    raw = replace(raw, notes=(*raw.notes, *notes))
    for name, part in splits.items():
        files.write_array(folder / f"x_{name}.npy", part.x)
        # From here on as every later stage sees it, which saves scaling it once more.
        part.x = LazyRows(files.map_array(folder / f"x_{name}.npy"))
        if (index := first_not_finite(part.x)) is not None:
            found = f"values in example {index} that float32 cannot hold"
            hint = "scale: standard brings them near 0." if scale == "none" else "Use another unit."
            raise InputError.unexpected(f"{source}, {name}", found, "at most 3e38, scaled or not", hint)
    data_info = describe(raw, splits, plugin.SPEC) | {
        "source": source,
        "parameters": own,
        "files": {
            name: {"path": dataset.get(name, str(path)), "sha256": digests[name]} for name, path in paths.items()
        },
        "scale": scale,
        # Scaled values have another one than those of the source.
        "unit": {"standard": "standard deviations", "minmax": "share of range"}.get(scale, raw.unit),
        "statistics": statistics,
        "split": (shares := reached(splits, list(raw.classes), split, own_test=raw.test is not None)),
        "seed": seed,
    }
    files.write_arrays(folder / "labels.npz", {name: splits[name].y for name in SPLITS})
    truths = {name: truth for name in SPLITS if (truth := splits[name].truth) is not None}
    files.write_arrays(folder / "truth.npz", truths)
    measured = {name: filling.equal(MEASURED) for name in SPLITS if (filling := splits[name].filling) is not None}
    files.write_arrays(folder / "measured.npz", measured)
    files.write_json(folder / "data.json", data_info)
    if shares["by_group"]:
        logger.info("splits by group: %s", line(shares))
    counts = ", ".join(f"{len(splits[name].y):,} {name}" for name in SPLITS)
    logger.info("%s: %s examples of shape %s", source, counts, "×".join(str(n) for n in data_info["shape"]))


def number_by_outputs(raw: RawData, splits: Splits, classes: Sequence[str | int], class_names: Any) -> RawData:
    """Number the labels of all splits by a model's outputs, in place, and return the data with the model's classes.

    Raises:
        InputError: what `model_classes.matched` refuses.
    """
    occurring = set(np.concatenate([split.y for split in splits.values()]).tolist())
    names, outputs = model_classes.matched(raw.classes, occurring, classes, class_names)
    for split in splits.values():
        split.y = outputs[split.y]
    return replace(raw, classes=names)


def check(raw: RawData, source: str, least: int = 2) -> None:
    """Refuse data that no model could learn from.

    Args:
        raw: what the source gave.
        source: its name.
        least: classes that the training examples must have; a model with classes of its own needs one.

    Raises:
        InputError: no examples, values that are not finite, labels out of range, too few classes or examples.
    """
    for name, examples in (("train", raw.train), ("test", raw.test)):
        if examples is None:
            continue
        where = f"{source}, {name}"
        if len(examples.x) == 0:
            raise InputError.unexpected(where, "no examples", "at least one")
        if (index := first_not_finite(examples.x)) is not None:
            raise InputError.unexpected(where, f"NaN or infinity in example {index}", "finite values")
        if examples.y.min() < 0 or examples.y.max() >= len(raw.classes):
            found = f"labels from {examples.y.min()} to {examples.y.max()}"
            raise InputError.unexpected(where, found, f"labels from 0 to {len(raw.classes) - 1}")
    counts = np.bincount(raw.train.y, minlength=len(raw.classes))
    if np.count_nonzero(counts) < least:
        raise InputError.unexpected(f"{source}, train", "examples of one class", "at least two classes")
    if (few := counts[counts > 0].min()) < (3 if raw.test is None else 2):
        name = raw.classes[int(np.argmax(counts == few))]
        raise InputError.unexpected(
            f"{source}, train", f"{few} example(s) of class {abbreviate(name)}", "enough for every split"
        )


def about_groups(raw: RawData, source: str, *, by_group: bool) -> tuple[str, ...]:
    """Refuse groups that the source has in its training and in its test examples, or tell them if they may be there.

    Args:
        raw: what the source gave.
        source: its name, for messages.
        by_group: whether groups are to be kept on one side.

    Raises:
        InputError: groups on both sides that the source does not tell itself.
    """
    if raw.test is None or raw.train.group is None or raw.test.group is None:
        return ()
    both = sorted(set(raw.train.group.tolist()) & set(raw.test.group.tolist()) - raw.shared_groups)
    if not both:
        return ()
    total = len(set(raw.test.group.tolist()))
    told = f"{comma_list(both[:_SHOWN_GROUPS])}{', …' if len(both) > _SHOWN_GROUPS else ''}"
    if by_group:
        raise InputError.unexpected(
            f"{source}, group",
            f"{len(both):,} of the {total:,} groups of the test examples in the training examples too: {told}",
            "each group on one side",
            "Take them out of one file; or leave out group (or write split.by_group: false) if a group may be on both "
            "sides.",
        )
    return (f"{len(both):,} of the {total:,} groups of the test examples are in the training examples too: {told}.",)


def first_not_finite(x: Array) -> int | None:
    """Index of the first example with a value that is not finite; None where there is none."""
    first = 0
    for block in blocks(x):
        if not (finite := np.isfinite(block)).all():
            return first + int(np.argwhere(~finite)[0][0])
        first += len(block)
    return None


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
    group = raw.train.group if by_group else None
    kept = np.arange(len(raw.train.y))
    tested = None if raw.test is None else take(raw.test)
    if folds is not None:
        kept, drawn = in_folds(raw.train.y, group, folds, rng)[fold]
        tested = take(raw.train, drawn)
    elif tested is None:
        kept, drawn = drawn_split(raw.train.y, group, test, rng, left=2)
        tested = take(raw.train, drawn)
    fitted, held = drawn_split(raw.train.y[kept], None if group is None else group[kept], validation, rng)
    splits = {"train": take(raw.train, kept[fitted]), "validation": take(raw.train, kept[held]), "test": tested}
    for name, examples in splits.items():
        if len(examples.y) == 0:
            raise InputError.unexpected(f"split, {name}", "no examples", "some", "Give more examples, or other shares.")
        if missing := [raw.classes[label] for label in np.setdiff1d(raw.train.y, examples.y)]:
            logger.warning("the %s examples have none of class %s", name, comma_list(missing))
    if group is not None:
        sides = {name: (part.y, part.group) for name, part in splits.items()}
        for line in group_split.told(SPLITS, sides, list(raw.classes)):
            logger.warning("%s", line)
    return splits


def drawn_split(
    y: NDArray[np.int64], group: NDArray[np.str_] | None, share: float, rng: np.random.Generator, *, left: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide indices into (rest, drawn), class by class; with groups, whole groups that come to about that share.

    Args:
        y: (N,) labels.
        group: (N,) names; None where examples are drawn one by one.
        share: that is drawn.
        rng: draws it.
        left: groups that the rest must have at least.
    """
    return stratified(y, share, rng) if group is None else group_split.draw(y, group, share, rng, left=left)


def in_folds(
    y: NDArray[np.int64], group: NDArray[np.str_] | None, folds: int, rng: np.random.Generator
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Indices as (rest, fold) for each fold; every class is spread over the folds as evenly as the groups allow.

    Raises:
        InputError: fewer groups, or fewer examples of a class, than folds.
    """
    if group is not None:
        return group_split.folds(y, group, folds, rng)
    from sklearn.model_selection import StratifiedKFold

    if (least := np.bincount(y)[np.unique(y)].min()) < folds:
        raise InputError.unexpected("split", f"a class with {least} example(s)", f"{folds}, one for each fold")
    drawn = StratifiedKFold(folds, shuffle=True, random_state=int(rng.integers(2**31)))
    return [(rest, fold) for rest, fold in drawn.split(np.zeros(len(y)), y)]


def stratified(
    y: NDArray[np.int64], share: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide indices into (rest, drawn), with `share` of every class drawn: at least one, and never all of a class."""
    drawn = []
    for label in np.unique(y):
        members = np.flatnonzero(y == label)
        count = min(max(1, round_of(share, len(members))), len(members) - 1)
        drawn.append(rng.permutation(members)[:count])
    chosen = np.sort(np.concatenate(drawn))
    return np.setdiff1d(np.arange(len(y)), chosen), chosen


def take(examples: Examples, indices: NDArray[np.int64] | None = None) -> Split:
    """The examples at `indices`, or all of them; none is read or copied yet."""
    truth = None if examples.truth is None else LazyRows(examples.truth, indices)
    y, group = examples.y, examples.group
    if indices is not None:
        y, group = y[indices], None if group is None else group[indices]
    filling = None if examples.filling is None else LazyRows(examples.filling, indices)
    return Split(LazyRows(examples.x, indices), y, truth, group, filling)


def duplicates(splits: Splits) -> dict[str, int]:
    """How many examples occur again, byte for byte: within a split, and in train as well as elsewhere."""
    rows = {name: fingerprints(part.x) for name, part in splits.items()}
    unique = {name: np.unique(items) for name, items in rows.items()}
    found = {f"within_{name}": len(rows[name]) - len(unique[name]) for name in SPLITS}
    for name, other in (("validation", "train"), ("test", "train"), ("test", "validation")):
        found[f"{name}_in_{other}"] = int(np.isin(rows[name], unique[other]).sum())
    return found


def _about_copies(copies: int, total: int) -> tuple[str, ...]:
    """What is said of test examples that a model has been trained on: scores on them flatter it."""
    if not copies:
        return ()
    return (f"{copies:,} of {total:,} test examples ({copies / total:.1%}) are exact copies of training examples.",)


def fingerprints(x: Array) -> NDArray[np.void]:
    """128 bits of each example's bytes, (N,).

    Two different examples of 10 million have the same with a chance of 10⁻²⁵.
    """
    found = [
        hashlib.blake2b(row.data, digest_size=16).digest()
        for block in blocks(x)
        for row in block.reshape(len(block), -1)
    ]
    return np.frombuffer(b"".join(found), "V16")


def describe(raw: RawData, splits: Splits, spec: Any) -> dict[str, Any]:
    """The facts about the data that figures, tracking and report show, but for their scale and unit."""
    repeated = duplicates(splits)
    notes = [*raw.notes, *_about_copies(repeated["test_in_train"], len(splits["test"].y))]
    for note in notes:
        logger.warning("%s", note)
    return {
        "title": spec.title,
        "kind": spec.kind,
        "licence": spec.licence,
        "citation": spec.citation,
        "homepage": spec.homepage,
        "classes": list(raw.classes),
        "channels": list(raw.channels),
        "sampling_rate_hz": raw.sampling_rate,
        "notes": notes,
        "groups": {name: sorted(set(group.tolist())) for name in SPLITS if (group := splits[name].group) is not None},
        "shape": list(raw.train.x.shape[1:]),
        "counts": {
            name: dict(zip(raw.classes, np.bincount(splits[name].y, minlength=len(raw.classes)).tolist(), strict=True))
            for name in SPLITS
        },
        "duplicates": repeated,
        "digest": files.digest({name: [splits[name].x, splits[name].y] for name in SPLITS}),
    }
