"""Series from the user's own file: CSV, TSV, Parquet, NPZ or NPY, by its suffix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.datasets.base import UNLABELLED, Examples, RawData, SourceSpec
from pellucid.datasets.readers import (
    completion,
    delimited,
    file_classes,
    file_list,
    labels,
    numpy_files,
    parquet,
    series_file,
)
from pellucid.datasets.readers.columns import NONE
from pellucid.datasets.readers.spill_buffer import SpillBuffer
from pellucid.datasets.readers.tabular import Layout, Table, counting_columns
from pellucid.downloads import is_local, local_path, place
from pellucid.errors import InputError
from pellucid.messages import comma_list
from pellucid.parameters import UNIQUE, File

READERS = {
    ".csv": delimited.read,
    ".tsv": delimited.read,
    ".txt": delimited.read,
    ".parquet": parquet.read,
    ".npz": numpy_files.read_archive,
    ".npy": numpy_files.read_array,
    ".ts": series_file.read_ts,
    ".arff": series_file.read_arff,
}

# For `label`: each file is a class.
_BY_FILE = "file"

SPEC = SourceSpec(
    title="Series from a table of the user's own",
    kind="series",
    licence="the user's own data",
    citation="none: the user's own data",
    homepage="",
    files={
        "file": File(
            "a path or an address: .csv, .tsv, .txt, .parquet (a row for each example), .npz, .npy, or .ts and .arff "
            "as the UCR and UEA archives have them. A list of them, or a pattern (data/*.csv), for several files of "
            "the same columns, such as one for each class (label: file)",
            many=True,
        ),
        "test": File(
            "a file with the test examples, whose columns have the same names in any order; none to draw them from "
            "the first",
            default="none",
        ),
    },
    scratch=True,
    own_labels=True,
)


def load(
    files: Mapping[str, Path],
    rng: np.random.Generator,
    *,
    signal: Annotated[
        str | int | Annotated[Sequence[str | int], Field(min_length=1)],
        Field(
            description="columns of the signal in the order of the samples: all (but label, group and row numbers), "
            "a name, a pattern (ecg_*, in the order of the file), or a list of names, patterns and positions (from "
            "1; -1 is the last). A number that is the name of a column is that column. Of an .npz the key, all being "
            "x",
        ),
    ] = "all",
    label: Annotated[
        str | int,
        Field(
            description="column of the class: a name or a position, by default the last; of an .npz the key, by "
            "default y. Texts or whole numbers; two different texts are two classes. file: each of several files is a "
            "class, of the file's name without its suffix. none: the examples have no labels, which a model that is "
            "taken as it is does not need (split: none)"
        ),
    ] = -1,
    group: Annotated[
        str | int,
        Field(
            description="column, or key of an .npz, of what must not lie on both sides of a split (a patient), nor "
            "in both files"
        ),
    ] = "none",
    class_names: labels.ClassNames = labels.NO_NAMES,
    classes: labels.KeptClasses = (),
    channels: Annotated[
        Sequence[Annotated[str, Field(min_length=1)]],
        Field(
            json_schema_extra=UNIQUE,
            description="names of the channels, for a signal of several that stand side by side in the columns",
        ),
    ] = (),
    layout: Annotated[
        Literal["time_major", "channel_major"],
        Field(
            description="time_major: all channels of the first sample, then of the next; an .npz of (N, time, "
            "channels). channel_major: all samples of the first channel, then of the next; (N, channels, time)"
        ),
    ] = "time_major",
    header: Annotated[
        Literal["auto", True, False],
        Field(
            description="whether the first line of a text file names the columns; auto: as a comparison with the "
            "lines below shows, and refused where it does not"
        ),
    ] = "auto",
    sampling_rate: completion.SamplingRate = None,
    unit: completion.UnitName = "a.u.",
    missing: completion.Missing = "refuse",
    lengths: completion.Lengths = "refuse",
    scratch: SpillBuffer | None = None,
    known: Sequence[str] = (),
) -> RawData:
    """Read the file, and the test file if there is one.

    Raises:
        InputError: a file cannot be read as the parameters say; the message names its line, column or key.
    """
    how = Layout(
        signal=signal if isinstance(signal, str) else [signal] if isinstance(signal, int) else list(signal),
        label=NONE if label == _BY_FILE else label,
        group=group,
        channels=max(1, len(channels)),
        time_major=layout == "time_major",
        header=None if header == "auto" else bool(header),
        ragged=lengths != "refuse",
        room=scratch or SpillBuffer(),
    )
    tables, about_files = _read_all(files, how, label == _BY_FILE)
    tables, coded = _with_classes(tables, class_names, classes, known)
    train = tables["train"]
    groups = {name: _groups(table) for name, table in tables.items()}
    counting = counting_columns(train)
    filled = completion.complete(
        {name: table.series for name, table in tables.items()}, missing=missing, lengths=lengths
    )
    count = train.series.x.shape[2]
    if channels and len(channels) != count:
        expected = f"{count}, one for each channel"
        raise InputError.unexpected("channels", f"{len(channels)} names", expected)
    examples = {
        name: Examples(table.series.x, coded.numbers[name], group=groups[name], filling=table.series.filling)
        for name, table in tables.items()
    }
    notes = [note for table in tables.values() if table.columns for note in table.columns.notes]
    return RawData(
        train=examples["train"],
        test=examples.get("test"),
        classes=coded.classes,
        channels=tuple(channels) or completion.channel_names(count),
        unit=unit,
        sampling_rate=sampling_rate,
        notes=(*notes, *about_files, *counting, *coded.notes, *filled),
    )


def _read_all(files: Mapping[str, Path], layout: Layout, by_file: bool) -> tuple[dict[str, Table], list[str]]:
    """Read the training file or files, and the test file with the same columns; return notes about several files."""
    paths = [path for name, path in files.items() if name != "test"]
    first = _read(paths[0], layout)
    parts = [first]
    for path in [*paths[1:], *([files["test"]] if "test" in files else [])]:
        parts.append(_read(path, replace(layout, like=first.columns)))
        _require_alike(first, parts[-1], paths[0], path)
    tables, names, notes = parts[: len(paths)], [path.name for path in paths], []
    values = None if first.labels is None else np.concatenate([_labels(table).astype(object) for table in tables])
    if by_file:
        if first.columns is not None and first.columns.named and _BY_FILE in first.columns.names:
            found = "file, which is a column, too"
            raise InputError.unexpected(
                f"{paths[0]}, label", found, "the position of the column, or another name for it"
            )
        if layout.signal == "all":
            file_classes.require_no_label_column(tables, names)
        file_classes.require_different_examples(tables)
        counts = [len(table.series.x) for table in tables]
        values = np.repeat(np.array([file_list.class_of(str(path)) for path in paths], object), counts)
    elif len(tables) > 1 and values is not None:
        notes.append(file_list.about_labels(tables, names))
    if len(tables) > 1:
        first = file_list.joined(tables, values)
    return {"train": first, **({"test": parts[-1]} if "test" in files else {})}, notes


def _with_classes(
    tables: Mapping[str, Table], class_names: Any, classes: Sequence[str | int], known: Sequence[str]
) -> tuple[dict[str, Table], labels.Labels]:
    """Return the tables with the rows of the kept classes, and their class numbers; UNLABELLED without labels."""
    train = tables["train"]
    if train.labels is None:
        nothing = {name: np.full(len(table.series.x), UNLABELLED, np.int64) for name, table in tables.items()}
        return dict(tables), labels.Labels(nothing, (), ())
    coded = labels.encode({name: _labels(table) for name, table in tables.items()}, train.label, class_names, known)
    rows, coded = labels.keep(coded, classes, train.label)
    if classes:
        tables = {name: file_list.only(table, rows[name]) for name, table in tables.items()}
    return dict(tables), coded


def _labels(table: Table) -> NDArray[Any]:
    assert table.labels is not None
    return table.labels


def _read(path: Path, layout: Layout) -> Table:
    return READERS[path.suffix.lower()](path, layout)


def _require_alike(first: Table, other: Table, first_path: Path, path: Path) -> None:
    """Refuse two files of which only one names its columns (InputError)."""
    named = [table.columns is not None and table.columns.named for table in (first, other)]
    if named[0] != named[1]:
        has, lacks = ("", "not ") if named[1] else ("not ", "")
        problem = f"it does {has}name its columns, but {first_path} does {lacks}name them."
        raise InputError(str(path), problem, "Columns are matched by name: both files need names.")


def _groups(table: Table) -> NDArray[np.str_] | None:
    """Return the names of the groups; refuse an example without a group (InputError)."""
    if table.group is None:
        return None
    groups = labels.group_names(table.group, f"{table.series.place(0, None, None)}, group")
    if (without := np.flatnonzero(groups == "")).size:
        raise InputError.unexpected(table.series.place(int(without[0]), None, None), "no group", "one for each example")
    return groups


def labelled(*, label: str | int, **others: Any) -> bool:
    """Return whether the examples have labels."""
    return label != NONE


def addresses(*, file: str | Sequence[str], test: str, **others: Any) -> dict[str, str]:
    """Return the file, or the files (`file_1`, …), and the test file.

    Raises:
        InputError: `file_list.expand` refuses them.
    """
    found = file_list.expand(file, "table.file")
    train = {"file": found[0]} if [file] == found else {f"file_{number}": name for number, name in enumerate(found, 1)}
    return {**train, **({} if test == NONE else {"test": test})}


def check(
    *,
    file: str | Sequence[str],
    test: str,
    label: str | int,
    class_names: Any,
    classes: Sequence[Any],
    **others: Any,
) -> None:
    """Refuse files that no reader reads or that are no classes, before any file is read (InputError)."""
    named = file_list.expand(file, "table.file")
    for name, address in [*(("file", address) for address in named), *([("test", test)] if test != NONE else [])]:
        path = local_path(address, f"table.{name}") if is_local(address) else Path(place(address))
        if path.suffix.lower() not in READERS:
            raise InputError.unexpected(
                f"table.{name}", f'"{address}"', f"a file whose name ends in {comma_list(READERS)}"
            )
    if [file] != named and (sums := [key for key in others if key.startswith("file_") and others[key] != NONE]):
        raise InputError.unexpected(f"table.{sums[0]}", "a checksum, and several files", "none, or one file")
    if label == _BY_FILE:
        file_list.require_classes(named, "table.file")
    if label in (_BY_FILE, NONE) and test != NONE:
        raise InputError.unexpected(
            "table.test", f"a test file, and label: {label}", "none, or a column of labels in both files"
        )
    if label == NONE and (class_names or classes):
        raise InputError.unexpected("table.label", "none, and names of classes", "one of the two")
