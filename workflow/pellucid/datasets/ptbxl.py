"""ECGs of 12 leads and 10 seconds from PTB-XL, each with the statements that cardiologists made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pellucid.datasets.base import Examples, RawData, SourceSpec
from pellucid.datasets.heartbeats import ptbxl_files, ptbxl_signals, ptbxl_tables
from pellucid.datasets.heartbeats.ptbxl_tables import Kind, Record, Statements
from pellucid.datasets.readers.spill_buffer import SpillBuffer
from pellucid.downloads import local_path
from pellucid.ecg_leads import LEADS
from pellucid.errors import InputError
from pellucid.messages import comma_list
from pellucid.parameters import UNIQUE, File, one_of
from pellucid.tasks import MULTI_LABEL

_ARCHIVE = (
    "https://physionet.org/static/published-projects/ptb-xl/"
    "ptb-xl-a-large-publicly-available-electrocardiography-dataset-1.0.3.zip"
)

SPEC = SourceSpec(
    title="PTB-XL: 21,799 clinical ECGs of 12 leads and 10 s, of 18,869 patients",
    kind="series",
    licence="CC BY 4.0 (PhysioNet ptb-xl 1.0.3)",
    citation="Wagner P, Strodthoff N, Bousseljot RD, Kreiseler D, Lunze FI, Samek W, Schaeffter T. PTB-XL, a large "
    "publicly available electrocardiography dataset. Scientific Data 7:154 (2020). Goldberger AL et al. PhysioBank, "
    "PhysioToolkit, and PhysioNet. Circulation 101(23):e215-e220 (2000). doi:10.13026/kfzx-aw45",
    homepage="https://physionet.org/content/ptb-xl/1.0.3/",
    files={"archive": File("the zip archive of the database, or of some of its records", default=_ARCHIVE)},
    folders=("folder",),
    scratch=True,
    events="r_peaks",
)

# The folds of each split, as published.
_SIDES = {"train": range(1, 9), "validation": range(9, 10), "test": range(10, 11)}


def check(*, archive: str, folder: str, labels: str, likelihood: float, **others: Any) -> None:
    """Refuse parameters that do not go together.

    Raises:
        InputError: a folder and an archive; a likelihood for statements that have none.
    """
    if folder != "none" and archive != _ARCHIVE:
        raise InputError.unexpected("ptbxl.folder and archive", "both", "one of them: where the files are")
    if likelihood and labels in ("form", "rhythm"):
        found = f"{likelihood:g} beside labels: {labels}"
        raise InputError.unexpected("ptbxl.likelihood", found, "0: only diagnostic statements have a likelihood")


def addresses(*, archive: str, folder: str, **others: Any) -> dict[str, str]:
    """Return the archive, unless the files are in a folder."""
    return {} if folder != "none" else {"archive": archive}


def task(**parameters: Any) -> str:
    """Return that each record has several labels."""
    return MULTI_LABEL


def axes(*, rate: int, **parameters: Any) -> tuple[int, ...]:
    """Return the number of samples of a record."""
    return (ptbxl_signals.SECONDS * rate,)


def load(
    files: Mapping[str, Path],
    rng: np.random.Generator,
    *,
    folder: Annotated[
        str,
        Field(
            min_length=1,
            description="a folder with the files as they are in the archive, all of them or those of some records. "
            "none: the archive is read",
        ),
    ] = "none",
    checksums: Annotated[
        bool, Field(description="check every file against SHA256SUMS.txt, which must lie beside the tables")
    ] = True,
    rate: Annotated[Literal[100, 500], Field(description="sampling rate in Hz; it decides which files are read")] = 100,
    leads: Annotated[
        Sequence[Annotated[str, one_of(LEADS)]],
        Field(min_length=1, json_schema_extra=UNIQUE, description="leads to use, each as a channel, in this order"),
    ] = LEADS,
    labels: Annotated[
        Kind,
        Field(
            description="which labels. superclass: the 5 diagnostic superclasses. subclass: the 23 diagnostic "
            "subclasses. all: the 71 statements. form, rhythm: the 19 or 12 statements of this kind"
        ),
    ] = "superclass",
    likelihood: Annotated[
        float,
        Field(
            ge=0,
            le=100,
            description="in percent; a diagnostic statement with a lower likelihood does not count. 0, as in the "
            "published benchmark: every statement counts, even one of likelihood 0, which means that the likelihood "
            "is not known",
        ),
    ] = 0.0,
    folds: Annotated[
        Literal["published", "drawn"],
        Field(
            description="published: train on the folds 1 to 8, validate on 9, test on 10. drawn: all records are "
            "divided by `split`, patient by patient"
        ),
    ] = "published",
    scratch: SpillBuffer | None = None,
) -> RawData:
    """Read the records block by block, and say in the notes which were left out.

    Records that have no label of the chosen kind are left out, as in the published benchmark. The patient is the group
    of a record.

    Raises:
        InputError: a file is missing, broken or not as published; a fold has no records, or a patient is on two sides;
            fewer than two labels have records.
    """
    room = scratch or SpillBuffer()
    place = None if folder == "none" else local_path(folder, "ptbxl.folder")
    with ptbxl_files.opened(place, files.get("archive")) as opened:
        source = ptbxl_files.Checked(opened, checksums)
        known = ptbxl_tables.statements(source.read(ptbxl_tables.STATEMENTS), opened.where(ptbxl_tables.STATEMENTS))
        table = opened.where(ptbxl_tables.DATABASE)
        records = ptbxl_tables.records(source.read(ptbxl_tables.DATABASE), table, rate, known)
        sides = _sides(records, table, folds)
        names = _labels_with_records(sides["train"], known, labels, likelihood, least=1 if folds == "published" else 3)
        kept = {side: _with_labels(members, known, labels, names, likelihood) for side, members in sides.items()}
        _require_members({side: members for side, (members, _) in kept.items()}, table, labels)
        parts = {
            side: Examples(
                room.array(ptbxl_files.blocks(source, members, leads, rate)),
                y,
                group=np.array([record.patient for record in members]),
            )
            for side, (members, y) in kept.items()
        }
    return RawData(
        train=parts["train"],
        test=parts.get("test"),
        validation=parts.get("validation"),
        classes=names,
        channels=tuple(leads),
        unit="mV",
        sampling_rate=float(rate),
        notes=tuple(_notes(kept, len(records), known, labels, names, likelihood, checksums)),
        task=MULTI_LABEL,
    )


def _sides(records: Sequence[Record], where: str, folds: str) -> dict[str, list[Record]]:
    """Return the records of each split, or all of them as those to divide.

    Raises:
        InputError: a patient has records in two of the splits.
    """
    if folds == "drawn":
        return {"train": list(records)}
    sides = {side: [record for record in records if record.fold in numbers] for side, numbers in _SIDES.items()}
    side_of: dict[str, tuple[str, Record]] = {}
    for side, members in sides.items():
        for record in members:
            other, first = side_of.setdefault(record.patient, (side, record))
            if other != side:
                found = f"records {first.number} (fold {first.fold}) and {record.number} (fold {record.fold})"
                raise InputError.unexpected(
                    where,
                    f"{found} of patient {record.patient}, in {other} and {side}",
                    "each patient in one split",
                    "The published folds keep patients apart; folds: drawn divides them anew.",
                )
    return sides


def _labels_with_records(
    training: Sequence[Record], known: Statements, kind: Kind, likelihood: float, least: int
) -> tuple[str, ...]:
    """Return the labels that some training records have, and some have not.

    Raises:
        InputError: there are fewer than two.
    """
    names = known.labels(kind)
    y = ptbxl_tables.multi_hot(training, known, kind, names, likelihood)
    counts, total = y.sum(0, np.int64).tolist(), int(y.any(axis=1).sum())
    present = tuple(name for name, count in zip(names, counts, strict=True) if least <= count <= total - least)
    if len(present) < 2:
        found = f"{len(present)} label(s) of {len(names)} with records to train on"
        raise InputError.unexpected("ptbxl.labels", found, "two or more", "Take more records, or a lower likelihood.")
    return present


def _with_labels(
    members: Sequence[Record], known: Statements, kind: Kind, names: Sequence[str], likelihood: float
) -> tuple[list[Record], NDArray[np.uint8]]:
    """Return the records that have a label, and their labels (records, labels)."""
    y = ptbxl_tables.multi_hot(members, known, kind, names, likelihood)
    has_some: NDArray[np.bool_] = np.asarray(y.any(axis=1))
    return [record for record, keep in zip(members, has_some, strict=True) if keep], y[has_some]


def _require_members(sides: Mapping[str, Sequence[Record]], where: str, kind: str) -> None:
    """Refuse a split without records."""
    for side, members in sides.items():
        if not members:
            folds = comma_list(_SIDES[side])
            found = f"no record with a label of {kind} in fold {folds}, the published {side} set"
            raise InputError.unexpected(where, found, "one or more", "folds: drawn divides the records anew.")


def _notes(
    kept: Mapping[str, tuple[Sequence[Record], NDArray[np.uint8]]],
    total: int,
    known: Statements,
    kind: Kind,
    names: Sequence[str],
    likelihood: float,
    checksums: bool,
) -> Iterable[str]:
    """Yield what a reader must know of the records, a sentence each."""
    if "test" in kept:
        yield "The splits are the published folds: 1 to 8 to train on, 9 to validate, 10 to test; no patient is in two."
    yield f"Labels: {'; '.join(f'{name} ({known.title(name, kind)})' for name in names)}."
    count = sum(len(members) for members, _ in kept.values())
    if left_out := total - count:
        yield f"Left out: {left_out:,} of {total:,} records, which have no label of {kind}."
    if absent := [name for name in known.labels(kind) if name not in names]:
        yield f"Left out: labels with too few records to train on ({comma_list(absent)})."
    if likelihood:
        yield (
            f"Diagnostic statements of a likelihood below {likelihood:g} % do not count, nor do those whose likelihood "
            "is not known (0 in PTB-XL)."
        )
    else:
        yield (
            "Every statement counts, whatever its likelihood, also where none is known (0 in PTB-XL), as in the "
            "published benchmark."
        )
    if not checksums:
        yield "The files were not compared with published checksums."
