"""Several inputs from one table: each is a series, or numbers without an order, in columns or arrays of its own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.datasets.base import Examples, Input, RawData, Values
from pellucid.datasets.readers import file_classes, file_list
from pellucid.datasets.readers.channel_statistics import fits_float32
from pellucid.datasets.readers.tabular import Layout, Table
from pellucid.errors import InputError
from pellucid.messages import abbreviate

MOST_INPUTS = 20
# Keras' names of inputs, which are also names of arrays in files of the results.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
# The keys of a series among the inputs, and those parameters of the table that they take the place of.
_KEYS = ("signal", "channels", "layout", "unit", "sampling_rate")

Inputs = Annotated[
    Mapping[str, Any] | None,
    Field(
        json_schema_extra={"minProperties": 2, "maxProperties": MOST_INPUTS},
        description="for a model of several inputs: the inputs by the names that the model gives them. An input is a "
        "list of columns of numbers without an order ([age, sex]: names, patterns or positions; in an .npz, keys of "
        "arrays (N,) or (N, numbers)). Or it is a series: {signal: columns or key}, with its own channels, layout, "
        "unit and sampling_rate. examples.input says which input is explained; the others keep the values of the "
        "example. Absent: one input",
    ),
]


def kinds(inputs: Mapping[str, Any] | None) -> dict[str, bool]:
    """Return the names of the inputs, and whether each is a series."""
    return {name: isinstance(entry, Mapping) for name, entry in (inputs or {}).items()}


def check(
    inputs: Mapping[str, Any] | None, files: Sequence[str], known: Mapping[str, Mapping[str, Any]], **table: Any
) -> None:
    """Refuse inputs that cannot be read as they are written, before any file is read.

    Args:
        inputs: the parameter.
        files: names of the files.
        known: the parameters of the table, each as a JSON Schema.
        table: the other parameters of the table.

    Raises:
        InputError: a name or an entry cannot be used, columns have two uses, or a parameter of the table says what each
            input has to say.
    """
    if inputs is None:
        return
    for key in _KEYS:
        # Absent, or the default, which the check of the table has filled in.
        if table.get(key) not in (None, (), [], known[key].get("default")):
            hint = f"Write it below the series that it belongs to: inputs: {{NAME: {{signal: …, {key}: …}}}}."
            raise InputError.unexpected(f"table.{key}", f"{abbreviate(table[key])}, and inputs", "one of the two", hint)
    if table["lengths"] != "refuse":
        expected = "refuse: with several inputs, every row must have all columns"
        raise InputError.unexpected("table.lengths", f"{table['lengths']}, and inputs", expected)
    if wrong := [name for name in files if name.lower().endswith((".ts", ".arff"))]:
        expected = "a .csv, .tsv, .txt, .parquet, .npz or .npy: a .ts or .arff holds one series for each example"
        raise InputError.unexpected("table.inputs", f"several inputs of {abbreviate(wrong[0])}", expected)
    for name, entry in inputs.items():
        where = f"table.inputs.{name}"
        if not _NAME.fullmatch(name):
            expected = "letters, digits, _, - and . of at most 100 characters, beginning with a letter or digit"
            raise InputError.unexpected("table.inputs", f"the name {abbreviate(name)}", expected)
        if isinstance(entry, Mapping):
            _check_series(entry, where, known)
        else:
            _check_columns(entry, where)
    _refuse_shared(inputs, table)


def _check_series(entry: Mapping[str, Any], where: str, known: Mapping[str, Mapping[str, Any]]) -> None:
    from pellucid.config import schema_errors

    schema = schema_errors.parameters_schema({key: known[key] for key in _KEYS}, ("signal",))
    if faults := schema_errors.problems(entry, schema, where):
        place, _, problem = faults[0].partition(": ")
        raise InputError(place, problem)
    if entry["signal"] == "all":
        expected = "the columns or the key of this input alone, without those of other inputs"
        raise InputError.unexpected(f"{where}.signal", "all", expected)


def _check_columns(entry: Any, where: str) -> None:
    """Refuse an entry that is no list of columns."""
    if not isinstance(entry, Sequence) or isinstance(entry, str) or not entry:
        expected = "a list of columns of numbers, such as [age, sex]; or a series: {signal: …}"
        raise InputError.unexpected(where, abbreviate(entry), expected)
    for column in entry:
        if isinstance(column, bool) or not isinstance(column, str | int):
            raise InputError.unexpected(where, abbreviate(column), "a name, a pattern or a position of a column")
    if twice := [column for column, count in Counter(entry).items() if count > 1]:
        raise InputError.unexpected(where, f"{abbreviate(twice[0])} twice", "each column once")


def _columns_of(entry: Any) -> list[Any]:
    signal = entry["signal"] if isinstance(entry, Mapping) else entry
    return [signal] if isinstance(signal, str | int) else list(signal)


def _refuse_shared(inputs: Mapping[str, Any], table: Mapping[str, Any]) -> None:
    """Refuse a column that two inputs name, or that is label, group or target as well."""
    uses: dict[Any, str] = {}
    for key in ("label", "group"):
        if table[key] not in ("none", "file", -1):
            uses[table[key]] = key
    uses |= {column: key for key in ("labels", "values") for column in table.get(key) or ()}
    for name, entry in inputs.items():
        for column in _columns_of(entry):
            if (other := uses.setdefault(column, name)) != name:
                role = f"the input {abbreviate(other)}" if other in inputs else other
                found = f"{abbreviate(column)}, which is also {role}"
                hint = "The explained input is changed while the others are held: nothing can be in both."
                raise InputError.unexpected(f"table.inputs.{name}", found, "each column or key for one use", hint)


def load(
    inputs: Mapping[str, Any], layout: Layout, read: Callable[..., tuple[RawData, Table]], *, by_file: bool
) -> RawData:
    """Read each input by itself, and join them.

    Args:
        inputs: the parameter.
        layout: of the table, without its signal.
        read: reads the data of a layout, with the keyword arguments channels, unit and sampling_rate of the table.
        by_file: whether each file is a class.

    Raises:
        InputError: `read` refuses an input, two inputs have the same column, or an example lies in the files of two
            classes.
    """
    parts, tables, known = dict[str, RawData](), dict[str, Table](), []
    for name, entry in inputs.items():
        columns: Any = _columns_of(entry)
        if isinstance(entry, Mapping):
            signal = entry["signal"] if isinstance(entry["signal"], str) else columns
            major = entry.get("layout", "time_major") == "time_major"
            how = replace(
                layout, signal=signal, channels=max(1, len(entry.get("channels", ()))), time_major=major, several=True
            )
        else:
            how = replace(layout, signal=columns, numbers=True, several=True)
            entry = {"unit": ""}
        asked = {"channels": entry.get("channels", ()), "unit": entry.get("unit", "a.u.")}
        try:
            parts[name], tables[name] = read(how, **asked, sampling_rate=entry.get("sampling_rate"))
        except InputError as error:
            raise _of_input(error, name) from None
        data = parts[name]
        known.append(Input(name, data.channels, (data.unit,) * len(data.channels), data.sampling_rate))
    _refuse_shared_columns(tables)
    data = _joined(parts, known)
    if by_file:
        _require_different_examples(data, next(iter(tables.values())))
    return data


def _require_different_examples(data: RawData, table: Table) -> None:
    """Refuse an example that is equal in all inputs to one of another class (InputError)."""
    arrays = [data.train.x, *(values.x for values in data.train.others.values())]
    flat = [array.reshape(len(array), -1) for array in arrays]
    classes: list[tuple[Iterable[NDArray[Any]], file_classes.Place]] = []
    for label in np.unique(data.train.y):
        rows = np.flatnonzero(data.train.y == label)
        # Bound now: the next class has other rows.
        place = partial(lambda rows, row, time, channel: table.series.place(int(rows[row]), time, channel), rows)
        classes.append(((np.concatenate([array[row] for array in flat]) for row in rows), place))
    file_classes.require_different_examples(classes)


def _of_input(error: InputError, name: str) -> InputError:
    """Return an error about the signal of a table as one about an input."""
    told = error.at(error.where.replace(", signal", f", inputs.{name}"))
    if "signal" in error.hint and "{signal" not in error.hint:
        told = told.hinting(f"dataset.inputs.{name} names the columns of this input.")
    return told


def _refuse_shared_columns(tables: Mapping[str, Table]) -> None:
    """Refuse a column of the file that patterns or positions put into two inputs.

    Raises:
        InputError: names the column and both inputs.
    """
    uses: dict[int, str] = {}
    for name, table in tables.items():
        for column in table.columns.signal if table.columns is not None else ():
            if (other := uses.setdefault(column, name)) != name:
                assert table.columns is not None
                found = f"column {table.columns.called(column)}, which the input {abbreviate(other)} has as well"
                where = f"{table.columns.where}, inputs.{name}"
                raise InputError.unexpected(where, found, "each column in one input")


def numbers(tables: Mapping[str, Table]) -> dict[str, NDArray[Any]]:
    """Return the numbers (N, numbers) of each part of a table; refuse one that is missing or infinite (InputError)."""
    for table in tables.values():
        file_list.require_numbers(tables["train"], table)
        x = table.series.x
        if (bad := np.argwhere(~np.isfinite(x))).size:
            row, column, _ = (int(place) for place in bad[0])
            found = "infinity" if np.isinf(x[row, column, 0]) else "an empty cell or NaN"
            hint = "A missing number cannot be filled in: give it a value in the file, or leave the row out."
            raise InputError.unexpected(table.series.place(row, column, 0), found, "a number", hint)
    parts = {name: table.series.x[:, :, 0] for name, table in tables.items()}
    single = all(fits_float32(x[:, np.newaxis], None) for x in parts.values())
    return {name: x.astype(np.float32) if single else x for name, x in parts.items()}


def names_of_numbers(table: Table) -> tuple[str, ...]:
    """Return the names of the numbers: of their columns, or of their arrays."""
    if table.columns is None:
        return table.numbers
    return tuple(table.columns.names[at] for at in table.columns.signal)


def _joined(parts: Mapping[str, RawData], inputs: Sequence[Input]) -> RawData:
    """Return the data of all inputs as one: x is that of the first, and the others stand beside it.

    Args:
        parts: the data of each input, with the same rows and labels.
        inputs: what is known of each, in the same order.

    Raises:
        InputError: an input has another number of examples.
    """
    first, *names = parts
    data = parts[first]
    for side in ("train", "test"):
        examples: Examples | None = getattr(data, side)
        if examples is None:
            continue
        others = {}
        for name in names:
            other: Examples = getattr(parts[name], side)
            if len(other.x) != len(examples.x):
                found = f"{len(other.x):,} examples of the input {abbreviate(name)}"
                expected = f"{len(examples.x):,}, as of {abbreviate(first)}"
                raise InputError.unexpected(f"table.inputs, {side}", found, expected)
            others[name] = Values(other.x, other.filling)
        examples.others = others
    notes = [note for part in parts.values() for note in part.notes]
    return replace(data, inputs=tuple(inputs), notes=tuple(dict.fromkeys(notes)))
