"""Check and read the records of the MIT-BIH Arrhythmia Database in the files that PhysioNet publishes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid import files
from pellucid.datasets.heartbeats import wfdb_record
from pellucid.datasets.heartbeats.mitdb_annotations import read_annotations
from pellucid.datasets.readers import published_sums
from pellucid.datasets.readers.bounds import require_small
from pellucid.errors import InputError

SUFFIXES = ("hea", "dat", "atr")
SUMS = "SHA256SUMS.txt"
RATE = 360.0  # Hz
_DATABASE = "MIT-BIH"


@dataclass
class Record:
    """One recording.

    Attributes:
        signal: (time, leads) in mV, NaN where a sample is marked as missing.
        peaks: (A,), the sample of each annotation, ascending; for a beat this is the R peak.
        codes: A annotation codes.
        assumed: what had to be assumed of gains and units that the header leaves out, a sentence each.
    """

    signal: NDArray[np.float64]
    peaks: NDArray[np.int64]
    codes: list[str]
    assumed: tuple[str, ...] = ()


def check_sums(sums: Path, paths: Sequence[Path]) -> None:
    """Compare files with the SHA-256 that `SHA256SUMS.txt` lists beside their names.

    Raises:
        InputError: a file is not listed, or has another checksum.
    """
    require_small(sums)
    listed = published_sums.parsed(sums.read_bytes(), str(sums))
    for path in paths:
        if path.name not in listed:
            raise InputError(
                str(sums),
                f"there is no checksum of {path.name}.",
                "With checksums: false the files are used unchecked.",
            )
        if (checksum := files.sha256(path)) != listed[path.name]:
            raise InputError.unexpected(
                str(path),
                f"a file of {path.stat().st_size:,} bytes with SHA-256 {checksum}",
                f"SHA-256 {listed[path.name]}, as {SUMS} says",
                "Delete it and run again to download it again; checksums: false uses it unchecked.",
            )


def leads_of(header: Path) -> list[str]:
    """Return the names of the leads of a record, from its header.

    Raises:
        InputError: the file is no header of an MIT-BIH record.
    """
    with wfdb_record.side_by_side({"hea": header}) as record:
        return list(wfdb_record.header(record, header, RATE, _DATABASE).sig_name)


def read(paths: Mapping[str, Path], leads: Sequence[str], *, scaled: bool = False) -> Record:
    """Read one record.

    Args:
        paths: its three files by their suffix; they may lie in different folders.
        leads: names of the leads to read, all of which the record has.
        scaled: whether each beat is scaled by itself, so that the unit does not matter.

    Raises:
        InputError: a file cannot be read, is cut off, or does not belong to the others; a unit is no voltage.
    """
    with wfdb_record.side_by_side(paths) as record:
        signal, declared = wfdb_record.signal(record, paths, leads, RATE, _DATABASE, "mitdb.leads")
    peaks, codes = read_annotations(paths["atr"], len(signal), RATE)
    if scaled:
        return Record(signal, peaks, codes)
    hint = "With beat_scale: standard or minmax the unit does not matter."
    factor = wfdb_record.millivolts(paths["hea"], leads, [unit or "mV" for _, unit in declared], hint)
    return Record(signal * factor, peaks, codes, wfdb_record.assumed(paths["hea"], leads, declared))
