"""The files of the MIT-BIH Arrhythmia Database as PhysioNet publishes them: found, checked and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from pellucid import files as whole_files
from pellucid.errors import InputError
from pellucid.wording import listing

SUFFIXES = ("hea", "dat", "atr")
SUMS = "SHA256SUMS.txt"
RATE = 360.0  # Hz
# One of each unit, in mV. µ has two characters, and ASCII has neither.
_MILLIVOLTS = {"V": 1e3, "mV": 1.0, "mv": 1.0, "uV": 1e-3, "uv": 1e-3, "\u00b5V": 1e-3, "\u03bcV": 1e-3, "nV": 1e-6}


@dataclass
class Record:
    """One recording.

    Attributes:
        signal: (time, leads) in mV, NaN where a sample is marked as missing.
        peaks: (A,), the sample of each annotation, ascending; of a beat it is the R peak.
        codes: A annotation codes.
        assumed: what the header does not say of its units, a sentence each.
    """

    signal: NDArray[np.float64]
    peaks: NDArray[np.int64]
    codes: list[str]
    assumed: tuple[str, ...] = ()


def check_sums(sums: Path, paths: Sequence[Path]) -> None:
    """Compare files with the SHA-256 that `SHA256SUMS.txt` lists beside their names.

    Raises:
        InputError: a file that is not listed, or is another one.
    """
    try:
        lines = [line.split(maxsplit=1) for line in sums.read_text(encoding="utf-8").splitlines()]
    except UnicodeDecodeError:
        raise InputError(str(sums), "a file that is no text", "lines of a SHA-256 and a file's name") from None
    listed = {line[1].strip().removeprefix("*"): line[0].lower() for line in lines if len(line) == 2}
    for path in paths:
        if path.name not in listed:
            raise InputError(
                str(sums),
                f"no line for {path.name}",
                "a SHA-256 for every file",
                "With checksums: false the files are used unchecked.",
            )
        if (found := whole_files.sha256(path)) != listed[path.name]:
            raise InputError(
                str(path),
                f"a file of {path.stat().st_size:,} bytes with SHA-256 {found}",
                f"SHA-256 {listed[path.name]}, as {SUMS} says",
                "Delete it and run again, so that it is brought anew; checksums: false uses it unchecked.",
            )


def leads_of(header: Path) -> list[str]:
    """The names of the leads of a record, from its header.

    Raises:
        InputError: the file is no header of two-channel records at 360 Hz.
    """
    import wfdb  # type: ignore[import-untyped]

    try:
        found = wfdb.rdheader(str(header.with_suffix("")))
    except Exception as error:  # wfdb has no error of its own for a broken file: any may come
        raise InputError(str(header), f"a file that cannot be read ({error})", "a WFDB header") from None
    if found.fs != RATE:
        raise InputError(str(header), f"a sampling rate of {found.fs} Hz", f"{RATE:g} Hz, as all MIT-BIH records have")
    # The header names the files of its signals: it is not to lead anywhere else.
    signals = set(found.file_name or ())
    if signals != {f"{header.stem}.dat"} or len(found.sig_name) != found.n_sig or not found.sig_len:
        raise InputError(
            str(header),
            f"{len(found.sig_name or ())} signal(s) in {listing(sorted(signals)) or 'no file'}",
            f"{found.n_sig} signals in {header.stem}.dat, and their number of samples",
        )
    return list(found.sig_name)


def _millivolts(header: Path, leads: Sequence[str], units: Sequence[str]) -> NDArray[np.float64]:
    """One of each lead's units in mV.

    Raises:
        InputError: a unit that is no voltage.
    """
    for lead, unit in zip(leads, units, strict=True):
        if unit not in _MILLIVOLTS:
            raise InputError(
                f"{header}, lead {lead}",
                f'the unit "{unit}"',
                f"a voltage ({listing(_MILLIVOLTS)})",
                "With beat_scale: standard or minmax the unit does not matter.",
            )
    return np.array([_MILLIVOLTS[unit] for unit in units])


def _declared(header: Path) -> list[tuple[str, str]]:
    """Gain and unit of each signal as the header writes them; "" for what it leaves out.

    wfdb reads ASCII alone: of µV it leaves V, which is a million times as much.
    """
    content = header.read_bytes()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")][1:]
    found = []
    for cells in lines:
        gain, _, unit = (cells[2] if len(cells) > 2 else "").partition("/")
        gain = gain.partition("(")[0]
        # A gain of 0 stands for one that is not known.
        found.append((gain if gain.strip("0.+-") else "", unit))
    return found


def _assumed(header: Path, leads: Sequence[str], declared: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """What the header leaves to the format's defaults, of the leads that are read: the gain, or the unit."""
    found = []
    for name, (gain, unit) in zip(leads, declared, strict=True):
        if not gain:
            found.append(f"Record {header.stem} gives {name} no gain: 200 units per mV, as the WFDB format says.")
        elif not unit:
            found.append(f"Record {header.stem} gives {name} no unit: mV, as the WFDB format says.")
    return tuple(found)


def read(paths: Mapping[str, Path], leads: Sequence[str], *, scaled: bool = False) -> Record:
    """Read one record.

    Args:
        paths: its three files by their suffix; they may lie in different folders.
        leads: names of leads that it has.
        scaled: whether beats are scaled one by one, so that their unit does not matter.

    Raises:
        InputError: a file that cannot be read, is cut off, or does not belong to the others; a unit that is no voltage.
    """
    with TemporaryDirectory() as folder:
        # wfdb finds a record's files by their names, side by side.
        beside = {suffix: Path(folder) / paths["hea"].with_suffix(f".{suffix}").name for suffix in SUFFIXES}
        for suffix, link in beside.items():
            link.symlink_to(paths[suffix].resolve())
        record = str(beside["hea"].with_suffix(""))
        signal, declared = _signal(record, paths, leads)
        peaks, codes = _annotations(record, paths["atr"], len(signal))
    if scaled:
        return Record(signal, peaks, codes)
    factor = _millivolts(paths["hea"], leads, [unit or "mV" for _, unit in declared])
    return Record(signal * factor, peaks, codes, _assumed(paths["hea"], leads, declared))


def _signal(
    record: str, paths: Mapping[str, Path], leads: Sequence[str]
) -> tuple[NDArray[np.float64], list[tuple[str, str]]]:
    """The leads in the units of the header, and what this says of their gains and units."""
    import wfdb

    size = paths["dat"].stat().st_size
    try:
        found = wfdb.rdrecord(record, physical=False)
    except Exception as error:
        reason = f"a file of {size:,} bytes that cannot be read ({error})"
        raise InputError(str(paths["dat"]), reason, f"all samples that {paths['hea'].name} announces") from None
    # The header holds 16 bits of the sum of each signal's samples, with or without a sign.
    for name, own, wanted in zip(found.sig_name, found.calc_checksum(), found.checksum, strict=True):
        if wanted is not None and (own - wanted) % 2**16:
            raise InputError(
                str(paths["dat"]),
                f"the checksum {own % 2**16} of lead {name}",
                f"{wanted % 2**16}, as {paths['hea'].name} says",
            )
    signal: NDArray[np.float64] = found.dac()
    if twice := [lead for lead in leads if found.sig_name.count(lead) > 1]:
        raise InputError(str(paths["hea"]), f"several leads named {listing(twice)}", "one, which mitdb.leads names")
    places = [found.sig_name.index(lead) for lead in leads]
    declared = _declared(paths["hea"])
    return signal[:, places], [declared[place] for place in places]


def _annotations(record: str, path: Path, samples: int) -> tuple[NDArray[np.int64], list[str]]:
    import wfdb

    # The format ends with two zero bytes: without them the file is cut off, which wfdb does not see.
    if not path.read_bytes().endswith(b"\0\0"):
        raise InputError(str(path), "a file that is cut off", "WFDB annotations up to their end mark")
    try:
        found = wfdb.rdann(record, "atr")
    except Exception as error:
        raise InputError(str(path), f"a file that cannot be read ({error})", "WFDB annotations") from None
    if len(found.sample) == 0:
        raise InputError(str(path), "no annotations", "one for every beat")
    if found.sample.min() < 0 or found.sample.max() >= samples or (np.diff(found.sample) < 0).any():
        reason = f"annotations from sample {found.sample.min()} to {found.sample.max()}"
        raise InputError(str(path), reason, f"ascending ones from 0 to {samples - 1}, which the record has")
    return found.sample.astype(np.int64), list(found.symbol)
