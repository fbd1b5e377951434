"""Series from the user's own file: CSV, TSV, Parquet, NPZ or NPY, by its suffix."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from pellucid.datasets.base import OWN_CITATION, OWN_LICENCE, UNLABELLED, Examples, RawData, SourceSpec
from pellucid.datasets.readers import column_doubts, completion, file_list, table_inputs, target_parameters, targets
from pellucid.datasets.readers.column_header import NONE, Targets
from pellucid.datasets.readers.labels import NO_NAMES, ClassNames, KeptClasses, Labels, encode, keep
from pellucid.datasets.readers.spill_buffer import SpillBuffer
from pellucid.datasets.readers.table_files import BY_FILE, READERS, group_names, labels_of, read_all
from pellucid.datasets.readers.tabular import Layout, Table
from pellucid.downloads import is_local, local_path, place
from pellucid.errors import InputError
from pellucid.messages import comma_list
from pellucid.parameters import UNIQUE, File, read, schemas
from pellucid.tasks import MULTI_LABEL, REGRESSION, SINGLE_LABEL, Task

SPEC = SourceSpec(
    title="Series from a table",
    kind="series",
    licence=OWN_LICENCE,
    citation=OWN_CITATION,
    homepage="",
    files={
        "file": File(
            "a path or an address: .csv, .tsv, .txt, .parquet (a row for each example), .npz, .npy, or .ts and .arff "
            "as the UCR and UEA archives have them. For several files with the same columns, such as one for each "
            "class (label: file): a list of them, or a pattern (data/*.csv)",
            many=True,
        ),
        "test": File(
            "a file with the test examples; its columns have the same names, in any order. none: the test examples "
            "are drawn from the first file",
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
            description="columns of the signal, in the order of the samples: all (except label, group and row "
            "numbers), a name, a pattern (ecg_*, in the order of the file), or a list of names, patterns and "
            "positions (from 1; -1 is the last). If a number is the name of a column, it means that column. In an "
            ".npz: the key; all means x",
        ),
    ] = "all",
    label: Annotated[
        str | int,
        Field(
            description="column of the class: a name or a position, by default the last column; in an .npz the key, "
            "by default y. Its values are texts or whole numbers; two different texts are two classes. file: each of "
            "several files is a class, named after the file without its suffix. none: the examples have no labels; a "
            "model that is not trained here does not need them (split: none)"
        ),
    ] = -1,
    group: Annotated[
        str | int,
        Field(
            description="column, or key of an .npz, with the group of each example (such as a patient). No group may "
            "lie on both sides of a split, or in both files"
        ),
    ] = "none",
    class_names: ClassNames = NO_NAMES,
    classes: KeptClasses = (),
    task: target_parameters.TaskName = SINGLE_LABEL,
    labels: target_parameters.LabelColumns = None,
    label_separator: target_parameters.Separator = None,
    values: target_parameters.ValueColumns = None,
    units: target_parameters.Units = None,
    channels: Annotated[
        Sequence[Annotated[str, Field(min_length=1)]],
        Field(
            json_schema_extra=UNIQUE,
            description="names of the channels, if the columns hold several channels side by side",
        ),
    ] = (),
    layout: Annotated[
        Literal["time_major", "channel_major"],
        Field(
            description="time_major: all channels of the first sample, then all of the next; an .npz of (N, time, "
            "channels). channel_major: all samples of the first channel, then all of the next; (N, channels, time)"
        ),
    ] = "time_major",
    header: Annotated[
        Literal["auto", True, False],
        Field(
            description="true: the first line of a text file names the columns. false: it is an example. auto: it is "
            "compared with the lines below; if that does not decide, the file is refused"
        ),
    ] = "auto",
    inputs: table_inputs.Inputs = None,
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
    columns = labels if task == MULTI_LABEL and label_separator is None else values
    by_label = task != SINGLE_LABEL and columns is None and label_separator is None
    how = Layout(
        signal=signal if isinstance(signal, str) else [signal] if isinstance(signal, int) else list(signal),
        label=NONE if label == BY_FILE or columns else label,
        group=group,
        channels=max(1, len(channels)),
        time_major=layout == "time_major",
        header=None if header == "auto" else bool(header),
        ragged=lengths != "refuse",
        targets=Targets("labels" if task == MULTI_LABEL else "values", tuple(columns or ())),
        whole=by_label and label != NONE,
        room=scratch or SpillBuffer(),
    )
    coding: dict[str, Any] = {"class_names": class_names, "known": known}
    if task == SINGLE_LABEL:
        labelled = partial(_with_classes, classes=classes, **coding)
    else:
        labelled = partial(_with_targets, task=task, separator=label_separator, chosen=labels, **coding)
    read_input = partial(
        _read, files, label == BY_FILE, labelled, task=task, units=units, missing=missing, lengths=lengths
    )
    if inputs is not None:
        return table_inputs.load(inputs, how, read_input, by_file=label == BY_FILE)
    return read_input(how, channels=channels, unit=unit, sampling_rate=sampling_rate)[0]


def _read(
    files: Mapping[str, Path],
    by_file: bool,
    labelled: Callable[[Mapping[str, Table]], tuple[dict[str, Table], Labels]],
    how: Layout,
    *,
    task: Task,
    units: Sequence[str] | None,
    missing: str,
    lengths: str,
    channels: Sequence[str],
    unit: str,
    sampling_rate: float | None,
) -> tuple[RawData, Table]:
    """Return the data of one input, and the training table; parameters as those of `load`."""
    tables, about_files = read_all(files, how, by_file)
    tables, coded = labelled(tables)
    train = tables["train"]
    groups = {name: group_names(table) for name, table in tables.items()}
    filled = tuple[str, ...]()
    if how.numbers:
        x, names = table_inputs.numbers(tables), table_inputs.names_of_numbers(train)
    else:
        filled = completion.complete(
            {name: table.series for name, table in tables.items()}, missing=missing, lengths=lengths
        )
        x, count = {name: table.series.x for name, table in tables.items()}, train.series.x.shape[2]
        if channels and len(channels) != count:
            expected = f"{count}, one for each channel"
            raise InputError.unexpected("channels", f"{len(channels)} names", expected)
        names = tuple(channels) or completion.channel_names(count)
    examples = {
        name: Examples(x[name], coded.numbers[name], group=groups[name], filling=table.series.filling)
        for name, table in tables.items()
    }
    notes = [note for table in tables.values() for note in table.all_notes]
    data = RawData(
        train=examples["train"],
        test=examples.get("test"),
        classes=coded.classes,
        task=task,
        units=_units(units, coded.classes) if task == REGRESSION else (),
        channels=names,
        unit=unit,
        sampling_rate=sampling_rate,
        notes=(*notes, *about_files, *column_doubts.notes(train, coded), *coded.notes, *filled),
    )
    return data, train


def _with_classes(
    tables: Mapping[str, Table], *, class_names: Any, classes: Sequence[str | int], known: Sequence[str]
) -> tuple[dict[str, Table], Labels]:
    """Return the tables with the rows of the kept classes, and their class numbers; UNLABELLED without labels."""
    train = tables["train"]
    if train.labels is None:
        return dict(tables), _without_labels(tables)
    coded = encode({name: labels_of(table) for name, table in tables.items()}, train.label, class_names, known)
    rows, coded = keep(coded, classes, train.label)
    if classes:
        tables = {name: file_list.only(table, rows[name]) for name, table in tables.items()}
    return dict(tables), coded


def _with_targets(
    tables: Mapping[str, Table],
    *,
    task: str,
    class_names: Any,
    separator: str | None,
    chosen: Sequence[str | int] | None,
    known: Sequence[str],
) -> tuple[dict[str, Table], Labels]:
    """Return the tables, and the labels or values of the examples with their names; UNLABELLED without any."""
    train = tables["train"]
    if separator is not None:
        found = targets.words(tables, separator, chosen, class_names, known)
    elif not train.targets:
        return dict(tables), _without_labels(tables)
    else:
        found = (targets.labels if task == MULTI_LABEL else targets.values)(tables, class_names)
    return dict(tables), Labels(found.numbers, found.names, found.notes)


def _without_labels(tables: Mapping[str, Table]) -> Labels:
    return Labels({name: np.full(len(table.series.x), UNLABELLED, np.int64) for name, table in tables.items()}, (), ())


def _units(units: Sequence[str] | None, names: Sequence[str]) -> tuple[str, ...]:
    """Return the unit of each value; refuse another number of units (InputError)."""
    if units is not None and len(units) != len(names):
        expected = f"{len(names)}, one for each of {comma_list(names)}"
        raise InputError.unexpected("table.units", f"{len(units)} units", expected)
    return tuple(units) if units is not None else ("",) * len(names)


def labelled(*, label: str | int, **others: Any) -> bool:
    """Return whether the examples have labels."""
    return label != NONE


def task(*, task: str, **others: Any) -> str:
    """Return the task that the user names."""
    return task


def inputs(*, inputs: Mapping[str, Any] | None = None, **others: Any) -> dict[str, bool]:
    """Return the names of several inputs, and whether each is a series; none of one."""
    return table_inputs.kinds(inputs)


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
    inputs: Mapping[str, Any] | None = None,
    **others: Any,
) -> None:
    """Refuse files that no reader reads or that are no classes, before any file is read (InputError)."""
    target_parameters.check({"file": file, "label": label, "classes": classes, **others})
    named = file_list.expand(file, "table.file")
    for name, address in [*(("file", address) for address in named), *([("test", test)] if test != NONE else [])]:
        path = local_path(address, f"table.{name}") if is_local(address) else Path(place(address))
        if path.suffix.lower() not in READERS:
            raise InputError.unexpected(
                f"table.{name}", f'"{address}"', f"a file whose name ends in {comma_list(READERS)}"
            )
    if [file] != named and (sums := [key for key in others if key.startswith("file_") and others[key] != NONE]):
        raise InputError.unexpected(f"table.{sums[0]}", "a checksum, and several files", "none, or one file")
    if label == BY_FILE:
        file_list.require_classes(named, "table.file")
    if label in (BY_FILE, NONE) and test != NONE:
        raise InputError.unexpected(
            "table.test", f"a test file, and label: {label}", "none, or a column of labels in both files"
        )
    if inputs is not None:
        of_files = [*named, *([test] if test != NONE else [])]
        table_inputs.check(inputs, of_files, schemas(read(load)), label=label, **others)
    if label == NONE and (class_names or classes):
        raise InputError.unexpected("table.label", "none, and names of classes", "one of the two")
