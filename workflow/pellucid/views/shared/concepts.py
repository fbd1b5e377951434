"""The examples of concepts: with a label, with a planted motif, named by a table or a group, or from a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files
from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean
from pellucid.tasks import SINGLE_LABEL
from pellucid.views.base import ViewData
from pellucid.views.shared.sampling import drawn, members_of

Array = NDArray[np.float32]
Definition = Mapping[str, Any]

# What a concept may be written as: the first key says which kind it is.
KINDS: dict[str, tuple[str, ...]] = {
    "label": (),
    "planted": (),
    "group": (),
    "table": ("column", "value"),
    "examples": (),
}
_FEWEST = 10  # examples of a concept


@dataclass(frozen=True)
class Concept:
    """Examples of a concept, and the training examples without it.

    Attributes:
        name: of the concept.
        kind: a key of `KINDS`.
        examples: (n, *input_shape).
        others: sorted indices of training examples without the concept, among which counterparts are drawn.
    """

    name: str
    kind: str
    examples: Array
    others: NDArray[np.int64]


def check(concepts: Mapping[str, Definition]) -> None:
    """Refuse a definition that is no concept, before any job is planned.

    Raises:
        InputError: a definition without one of the keys of `KINDS`, or with other keys beside it.
    """
    for name, definition in concepts.items():
        where = f"concepts.{name}"
        kind = next((key for key in KINDS if key in definition), None)
        if kind is None:
            expected = f"one of the keys {comma_list(KINDS)}"
            raise InputError.unexpected(where, abbreviate(dict(definition)), expected)
        allowed = {kind, *KINDS[kind]}
        if others := [key for key in definition if key not in allowed]:
            raise InputError.unexpected(where, f"the key {others[0]} beside {kind}", comma_list(sorted(allowed)))
        if kind == "table" and "column" not in definition:
            raise InputError.unexpected(where, "table without column", "the column that holds the concept")
        if kind in ("table", "examples") and not isinstance(definition[kind], str):
            raise InputError.unexpected(f"{where}.{kind}", abbreviate(definition[kind]), "the path of a file")


def named_files(concepts: Mapping[str, Definition]) -> list[str]:
    """Return the paths and addresses of the files that concepts name."""
    return [
        str(definition[key]) for definition in concepts.values() for key in ("table", "examples") if key in definition
    ]


def automatic(data: ViewData, outputs: Sequence[int]) -> dict[str, Definition]:
    """Return a concept for each output: its planted motif where the data source knows it, else its label.

    Args:
        data: of the view.
        outputs: classes, labels or values.
    """
    planted = data.task == SINGLE_LABEL and data.truth is not None
    names = [data.data_info["classes"][output] for output in outputs]
    return {str(name): {"planted" if planted else "label": name} for name in names}


def read(data: ViewData, concepts: Mapping[str, Definition], limit: int, rng: np.random.Generator) -> list[Concept]:
    """Return the concepts with at most `limit` examples each.

    Args:
        data: of the view.
        concepts: definitions by name, as `check` accepts them.
        limit: examples of a concept at most, drawn at random where there are more.
        rng: draws examples.

    Raises:
        InputError: no such label, group or column, a file that does not fit, or fewer than 10 examples with or without
            the concept.
    """
    return [_read(data, name, definition, limit, rng) for name, definition in concepts.items()]


def _read(data: ViewData, name: str, definition: Definition, limit: int, rng: np.random.Generator) -> Concept:
    where, kind = f"concepts.{name}", next(key for key in KINDS if key in definition)
    x, everything = data.training[0], np.arange(len(data.training[0]))
    if kind == "examples":
        examples, others = _from_file(data, str(definition[kind]), where), everything
        examples = examples[drawn(np.arange(len(examples)), limit, rng)]
    else:
        if kind in ("label", "planted"):
            has = _with_label(data, str(definition[kind]), where)
        else:
            has = _with_group(data, definition, where) if kind == "group" else _in_table(data, definition, where)
        others = np.flatnonzero(has == 0)
        rows = drawn(np.flatnonzero(has == 1), limit, rng)
        _require(len(rows), "with the concept", where)
        _require(len(others), "without the concept", where)
        examples = _planted(data, rows, others, where, rng) if kind == "planted" else np.asarray(x[rows])
    _require(len(examples), "with the concept", where)
    return Concept(name, kind, examples, others)


def _require(count: int, what: str, where: str) -> None:
    if count < _FEWEST:
        raise InputError.unexpected(where, f"{count} training examples {what}", f"at least {_FEWEST}")


def _output(data: ViewData, name: str, where: str) -> int:
    names = [str(label) for label in data.data_info["classes"]]
    if name not in names:
        hint = did_you_mean(name, names).strip()
        raise InputError.unexpected(where, abbreviate(name), f"one of {comma_list(names[:20])}", hint)
    return names.index(name)


def _with_label(data: ViewData, name: str, where: str) -> NDArray[np.int8]:
    """Return for each training example 1 if it has the label, or one of the highest tenth of the values, else 0."""
    labels = data.training[1]
    has = np.zeros(len(labels), np.int8)
    has[members_of(labels, np.arange(len(labels)), _output(data, name, where), data.task)] = 1
    return has


def _planted(
    data: ViewData, rows: NDArray[np.int64], others: NDArray[np.int64], where: str, rng: np.random.Generator
) -> Array:
    """Return training examples of other classes into which the planted cells of the rows are copied: (n, *input_shape).

    So they share only the motif: the rest of each example comes from another class.
    """
    truth, x = data.truth, data.training[0]
    if truth is None or truth.ndim != x.ndim or data.task != SINGLE_LABEL:
        found = "planted, but the data do not say where the evidence of each example's class was planted"
        raise InputError.unexpected(where, found, "label, group, table or examples")
    hosts = rng.choice(others, len(rows), replace=len(others) < len(rows))
    return np.stack([np.where(truth[row], x[row], x[host]) for row, host in zip(rows, hosts, strict=True)])


def _groups(data: ViewData, where: str) -> NDArray[np.str_]:
    if data.groups is None:
        raise InputError.unexpected(where, "group, but the examples have no groups", "label, table or examples")
    return data.groups


def _with_group(data: ViewData, definition: Definition, where: str) -> NDArray[np.int8]:
    """Return for each training example 1 if it is of the group, else 0."""
    groups, name = _groups(data, where), str(definition["group"])
    if name not in (names := np.unique(groups).tolist()):
        hint = did_you_mean(name, names).strip()
        raise InputError.unexpected(where, abbreviate(name), f"a group among {comma_list(names[:20])}", hint)
    return np.asarray(groups == name, np.int8)


def _in_table(data: ViewData, definition: Definition, where: str) -> NDArray[np.int8]:
    """Return for each training example 1 or 0 if the table says that it has the concept or not, -1 if it says nothing.

    The first of the columns `group` and `index` that the table has names the examples: those of a group, or a row of
    `data/x_train.npy`, from 0.
    """
    import pandas as pd

    address, column, value = str(definition["table"]), str(definition["column"]), str(definition.get("value", "1"))
    try:
        table = pd.read_csv(data.named[address], dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:
        raise InputError(address, f"it cannot be read as CSV ({error}).") from None
    key = next((name for name in ("group", "index") if name in table.columns), None)
    if key is None or column not in table.columns:
        found = f"the columns {comma_list(table.columns)}"
        raise InputError.unexpected(address, found, f"the column group or index, and the column {column}")
    table = table[table[column] != ""]
    if value not in (values := sorted(set(table[column]))):
        found = f"no row with {value} in column {column}"
        raise InputError.unexpected(address, found, f"a value among {comma_list(values[:20])}")
    if (twice := table[key].duplicated()).any():
        raise InputError.unexpected(address, f"{key} {table[key][twice].iloc[0]} a second time", f"each {key} once")
    says = dict(zip(table[key], (table[column] == value).astype(int), strict=True))
    keys = _groups(data, where).tolist() if key == "group" else [str(row) for row in range(len(data.training[0]))]
    if key == "index" and (unknown := sorted(set(says).difference(keys))):
        found = f"index {unknown[0]}"
        raise InputError.unexpected(address, found, f"numbers of training examples, 0 to {len(keys) - 1}")
    return np.array([says.get(name, -1) for name in keys], np.int8)


def _from_file(data: ViewData, address: str, where: str) -> Array:
    """Return the examples of a file, scaled as the training examples are: (n, *input_shape).

    Raises:
        InputError: no array of examples of this shape, or values that are not finite.
    """
    path, shape = data.named[address], tuple(data.data_info["shape"])
    # A .npz holds one array, or one called x.
    array = _array(path)
    if array is None or array.shape[1:] != shape or array.dtype.kind not in "fiu":
        found = (
            "neither a single array nor an array called x" if array is None else f"{array.dtype} of shape {array.shape}"
        )
        raise InputError.unexpected(address, found, f"numbers of shape (examples, {', '.join(map(str, shape))})")
    if not np.isfinite(array).all():
        raise InputError.unexpected(address, "values that are NaN or infinite", "finite numbers")
    if statistics := data.data_info.get("statistics"):
        array = (array.astype(np.float64) - statistics["offset"]) / statistics["divisor"]
    return array.astype(np.float32)


def _array(path: Path) -> NDArray[Any] | None:
    if path.suffix == ".npy":
        return files.map_array(path)
    arrays = files.read_arrays(path)
    return arrays.get("x") if "x" in arrays or len(arrays) != 1 else next(iter(arrays.values()))
