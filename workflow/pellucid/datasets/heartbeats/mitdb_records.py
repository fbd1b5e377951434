"""Check and read the records of the MIT-BIH Arrhythmia Database in the files that PhysioNet publishes."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files
from pellucid.datasets.heartbeats.mitdb_annotations import read_annotations
from pellucid.datasets.readers import damaged, published_sums
from pellucid.datasets.readers.bounds import require_small
from pellucid.errors import InputError
from pellucid.messages import comma_list

SUFFIXES = ("hea", "dat", "atr")
SUMS = "SHA256SUMS.txt"
RATE = 360.0  # Hz
# Each unit in mV. Unicode has two characters for µ, ASCII none.
_MILLIVOLTS = {"V": 1e3, "mV": 1.0, "mv": 1.0, "uV": 1e-3, "uv": 1e-3, "\u00b5V": 1e-3, "\u03bcV": 1e-3, "nV": 1e-6}

# Bytes of a sample, by the format of a signal; formats that are compressed, or hold only differences, are left out.
_BYTES = {"16": 2, "24": 3, "32": 4, "61": 2, "80": 1, "160": 2, "212": 1.5, "310": 4 / 3, "311": 4 / 3}
_LARGEST = 2**31  # of a gain, and of a baseline
_LONGEST_LINE = 500  # bytes


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
    with _side_by_side({"hea": header}) as record:
        return list(_header(record, header).sig_name)


@contextlib.contextmanager
def _side_by_side(paths: Mapping[str, Path]) -> Iterator[str]:
    """Yield the name under which wfdb finds the files of a record, in a temporary folder that links to them alone."""
    with TemporaryDirectory() as folder:
        record = Path(folder) / paths["hea"].stem
        for suffix, path in paths.items():
            record.with_suffix(f".{suffix}").symlink_to(path.resolve())
        yield str(record)


def _header(record: str, path: Path) -> Any:
    """Return wfdb's view of the header.

    Raises:
        InputError: the file is no header, or describes a record of a kind that MIT-BIH does not have.
    """
    import wfdb  # type: ignore[import-untyped]

    require_small(path)
    # wfdb's time grows with the square of a line's length.
    if (longest := max(map(len, path.read_bytes().splitlines()), default=0)) > _LONGEST_LINE:
        raise InputError.unexpected(str(path), f"a line of {longest:,} bytes", f"at most {_LONGEST_LINE:,}")
    with damaged.refuse_unreadable(path, "a WFDB header"):
        header = wfdb.rdheader(record)
    if header.fs != RATE:
        raise InputError.unexpected(
            str(path), f"a sampling rate of {header.fs} Hz", f"{RATE:g} Hz, as all MIT-BIH records have"
        )
    # The header names the files of its signals: it must not lead to any other file.
    signals = set(getattr(header, "file_name", None) or ())
    if signals != {f"{path.stem}.dat"} or len(header.sig_name) != header.n_sig or (header.sig_len or 0) < 1:
        raise InputError.unexpected(
            str(path),
            f"{len(header.sig_name or ())} signal(s) in {comma_list(sorted(map(str, signals))) or 'no file'}",
            f"{header.n_sig} signals in {path.stem}.dat, and their number of samples",
        )
    if len(set(header.fmt)) > 1 or header.fmt[0] not in _BYTES:
        expected = f"one format of {comma_list(_BYTES)}"
        raise InputError.unexpected(str(path), f"signals in format {comma_list(sorted(set(header.fmt)))}", expected)
    if set(header.samps_per_frame) - {None, 1} or set(header.skew) - {None, 0} or len(set(header.byte_offset)) > 1:
        found = "several samples in a frame, or signals that begin at different times"
        raise InputError.unexpected(str(path), found, "one sample of each signal at a time")
    numbers = [*header.adc_gain, *(abs(zero) for zero in header.baseline if zero is not None)]
    if not all(math.isfinite(gain) and gain for gain in header.adc_gain) or max(map(abs, numbers)) > _LARGEST:
        raise InputError.unexpected(
            str(path), f"the gains and baselines {comma_list(numbers)}", f"numbers up to {_LARGEST:,}, and no gain of 0"
        )
    return header


def _millivolts(header: Path, leads: Sequence[str], units: Sequence[str]) -> NDArray[np.float64]:
    """Return what each lead's unit is in mV.

    Raises:
        InputError: a unit is no voltage.
    """
    for lead, unit in zip(leads, units, strict=True):
        if unit not in _MILLIVOLTS:
            raise InputError.unexpected(
                f"{header}, lead {lead}",
                f'the unit "{unit}"',
                f"a voltage ({comma_list(_MILLIVOLTS)})",
                "With beat_scale: standard or minmax the unit does not matter.",
            )
    return np.array([_MILLIVOLTS[unit] for unit in units])


def _declared(header: Path) -> list[tuple[str, str]]:
    """Return gain and unit of each signal as the header writes them; "" for what it leaves out.

    wfdb reads only ASCII: it makes V of µV, a million times as much.
    """
    content = header.read_bytes()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")][1:]
    gains_and_units = []
    for cells in lines:
        gain, _, unit = (cells[2] if len(cells) > 2 else "").partition("/")
        gain = gain.partition("(")[0]
        # A gain of 0 means that the gain is not known.
        gains_and_units.append((gain if gain.strip("0.+-") else "", unit))
    return gains_and_units


def _assumed(header: Path, leads: Sequence[str], declared: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return a sentence for each lead whose gain or unit the header leaves to the format's default."""
    notes = []
    for name, (gain, unit) in zip(leads, declared, strict=True):
        if not gain:
            notes.append(f"Record {header.stem} gives {name} no gain: 200 units per mV, as the WFDB format says.")
        elif not unit:
            notes.append(f"Record {header.stem} gives {name} no unit: mV, as the WFDB format says.")
    return tuple(notes)


def read(paths: Mapping[str, Path], leads: Sequence[str], *, scaled: bool = False) -> Record:
    """Read one record.

    Args:
        paths: its three files by their suffix; they may lie in different folders.
        leads: names of the leads to read, all of which the record has.
        scaled: whether each beat is scaled by itself, so that the unit does not matter.

    Raises:
        InputError: a file cannot be read, is cut off, or does not belong to the others; a unit is no voltage.
    """
    with _side_by_side(paths) as record:
        signal, declared = _signal(record, paths, leads)
    peaks, codes = read_annotations(paths["atr"], len(signal), RATE)
    if scaled:
        return Record(signal, peaks, codes)
    factor = _millivolts(paths["hea"], leads, [unit or "mV" for _, unit in declared])
    return Record(signal * factor, peaks, codes, _assumed(paths["hea"], leads, declared))


def _signal(
    record: str, paths: Mapping[str, Path], leads: Sequence[str]
) -> tuple[NDArray[np.float64], list[tuple[str, str]]]:
    """Return (time, leads) in the units of the header, and the gain and unit that it declares for each lead."""
    import wfdb

    announced, size = _header(record, paths["hea"]), paths["dat"].stat().st_size
    samples = announced.sig_len * announced.n_sig
    least = (announced.byte_offset[0] or 0) + math.ceil(samples * _BYTES[announced.fmt[0]])
    # Formats in which samples share bytes may pad the last bytes.
    if not 0 <= size - least < 4:
        expected = f"{least:,} bytes, for all samples that {paths['hea'].name} announces"
        raise InputError.unexpected(str(paths["dat"]), f"a file of {size:,} bytes", expected)
    expected = f"all samples that {paths['hea'].name} announces"
    with damaged.refuse_unreadable(paths["dat"], expected, f"a file of {size:,} bytes"):
        content = wfdb.rdrecord(record, physical=False)
        checksums = content.calc_checksum()
        signal: NDArray[np.float64] = content.dac()
    # The header holds 16 bits of the sum of each signal's samples, with or without a sign.
    for name, checksum, announced_checksum in zip(content.sig_name, checksums, content.checksum, strict=True):
        if announced_checksum is not None and (checksum - announced_checksum) % 2**16:
            raise InputError.unexpected(
                str(paths["dat"]),
                f"the checksum {checksum % 2**16} of lead {name}",
                f"{announced_checksum % 2**16}, as {paths['hea'].name} says",
            )
    if twice := [lead for lead in leads if content.sig_name.count(lead) > 1]:
        raise InputError.unexpected(
            str(paths["hea"]), f"several leads named {comma_list(twice)}", "one, which mitdb.leads names"
        )
    places = [content.sig_name.index(lead) for lead in leads]
    if len(declared := _declared(paths["hea"])) != content.n_sig:
        raise InputError.unexpected(str(paths["hea"]), f"{len(declared)} lines of signals", f"{content.n_sig}")
    return signal[:, places], [declared[place] for place in places]
