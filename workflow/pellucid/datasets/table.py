"""Series from a file of one's own: CSV, TSV, Parquet, NPZ or NPY, told apart by the suffix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.datasets.base import Examples, RawData, SourceSpec
from pellucid.datasets.readers import completion, delimited, numpy_files, parquet
from pellucid.datasets.readers.labels import NO_NAMES, ClassNames, encode, group_names
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
}

SPEC = SourceSpec(
    title="Series from a table of the user's own",
    kind="series",
    licence="the user's own data",
    citation="none: the user's own data",
    homepage="",
    files={
        "file": File("a path or an address: .csv, .tsv, .txt, .parquet (a row for each example), .npz or .npy"),
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
            "default y. Texts or whole numbers; two different texts are two classes"
        ),
    ] = -1,
    group: Annotated[
        str | int,
        Field(
            description="column, or key of an .npz, of what must not lie on both sides of a split (a patient), nor "
            "in both files"
        ),
    ] = "none",
    class_names: ClassNames = NO_NAMES,
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
    """Read the file, and the test file where there is one; the parameters are those of `SPEC`.

    Raises:
        InputError: a file that cannot be read as the parameters say; the message names its line, column or key.
    """
    how = Layout(
        signal=signal if isinstance(signal, str) else [signal] if isinstance(signal, int) else list(signal),
        label=label,
        group=group,
        channels=max(1, len(channels)),
        time_major=layout == "time_major",
        header=None if header == "auto" else bool(header),
        ragged=lengths != "refuse",
        room=scratch or SpillBuffer(),
    )
    train = _read(files["file"], how)
    tables = {"train": train}
    if "test" in files:
        tables["test"] = _read(files["test"], replace(how, like=train.columns))
        _require_alike(train, tables["test"], files)
    labels = encode({name: table.labels for name, table in tables.items()}, train.label, class_names, known)
    groups = {name: _groups(table) for name, table in tables.items()}
    counting = counting_columns(train)
    filled = completion.complete(
        {name: table.series for name, table in tables.items()}, missing=missing, lengths=lengths
    )
    found = train.series.x.shape[2]
    if channels and len(channels) != found:
        raise InputError.unexpected(
            f"{files['file']}, channels", f"{len(channels)} names", f"{found}, one for each channel"
        )
    examples = {
        name: Examples(table.series.x, labels.numbers[name], group=groups[name], filling=table.series.filling)
        for name, table in tables.items()
    }
    about = [note for table in tables.values() if table.columns for note in table.columns.notes]
    return RawData(
        train=examples["train"],
        test=examples.get("test"),
        classes=labels.classes,
        channels=tuple(channels) or completion.channel_names(found),
        unit=unit,
        sampling_rate=sampling_rate,
        notes=(*about, *counting, *labels.notes, *filled),
    )


def _read(path: Path, how: Layout) -> Table:
    return READERS[path.suffix.lower()](path, how)


def _require_alike(train: Table, test: Table, files: Mapping[str, Path]) -> None:
    """Refuse columns that have names beside arrays whose columns have none.

    Raises:
        InputError: as said.
    """
    named = [table.columns is not None and table.columns.named for table in (train, test)]
    if named[0] != named[1]:
        found = f"{'names' if named[1] else 'no names'} of columns"
        expected = f"{'names' if named[0] else 'none'}, as in {files['file']}"
        raise InputError.unexpected(
            str(files["test"]), found, expected, "Columns are matched by name: give both files names."
        )


def _groups(table: Table) -> NDArray[np.str_] | None:
    """The names of the groups.

    Raises:
        InputError: an example without one.
    """
    if table.group is None:
        return None
    groups = group_names(table.group, f"{table.series.place(0, None, None)}, group")
    if (nobody := np.flatnonzero(groups == "")).size:
        raise InputError.unexpected(table.series.place(int(nobody[0]), None, None), "no group", "one for each example")
    return groups


def check(*, file: str, test: str, **others: Any) -> None:
    """Refuse files of another kind before any of them is read.

    Raises:
        InputError: as said, or an address that is not supported.
    """
    for name, address in (("file", file), ("test", test)):
        if name == "test" and address == "none":
            continue
        named = local_path(address, f"table.{name}") if is_local(address) else Path(place(address))
        if named.suffix.lower() not in READERS:
            raise InputError.unexpected(
                f"table.{name}", f'"{address}"', f"a file whose name ends in {comma_list(READERS)}"
            )
