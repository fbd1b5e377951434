"""The files of the MIT-BIH Arrhythmia Database as PhysioNet publishes them: found, checked and read."""

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

from pellucid import files as whole_files
from pellucid.datasets.readers import damaged
from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list

SUFFIXES = ("hea", "dat", "atr")
SUMS = "SHA256SUMS.txt"
RATE = 360.0  # Hz
# One of each unit, in mV. µ has two characters, and ASCII has neither.
_MILLIVOLTS = {"V": 1e3, "mV": 1.0, "mv": 1.0, "uV": 1e-3, "uv": 1e-3, "\u00b5V": 1e-3, "\u03bcV": 1e-3, "nV": 1e-6}

# Bytes of a sample, by the format of a signal; formats that are compressed, or hold differences alone, are left out.
_BYTES = {"16": 2, "24": 3, "32": 4, "61": 2, "80": 1, "160": 2, "212": 1.5, "310": 4 / 3, "311": 4 / 3}
_LARGEST = 2**31  # of a gain, and of a zero
_SMALL = 2**17  # bytes: of a header, a list of checksums, and the annotations of half an hour
_LINE = 500  # bytes
_NOTE = 22  # code of an annotation


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
    _require_small(sums)
    try:
        lines = [line.split(maxsplit=1) for line in sums.read_text(encoding="utf-8").splitlines()]
    except UnicodeDecodeError:
        raise InputError.unexpected(
            str(sums), "a file that is no text", "lines of a SHA-256 and a file's name"
        ) from None
    listed = {line[1].strip().removeprefix("*"): line[0].lower() for line in lines if len(line) == 2}
    for path in paths:
        if path.name not in listed:
            raise InputError.unexpected(
                str(sums),
                f"no line for {path.name}",
                "a SHA-256 for every file",
                "With checksums: false the files are used unchecked.",
            )
        if (found := whole_files.sha256(path)) != listed[path.name]:
            raise InputError.unexpected(
                str(path),
                f"a file of {path.stat().st_size:,} bytes with SHA-256 {found}",
                f"SHA-256 {listed[path.name]}, as {SUMS} says",
                "Delete it and run again, so that it is brought anew; checksums: false uses it unchecked.",
            )


def leads_of(header: Path) -> list[str]:
    """The names of the leads of a record, from its header.

    Raises:
        InputError: the file is no header of a record at 360 Hz.
    """
    with _beside({"hea": header}) as record:
        return list(_header(record, header).sig_name)


@contextlib.contextmanager
def _beside(paths: Mapping[str, Path]) -> Iterator[str]:
    """The name under which wfdb finds the files of a record: side by side, in a folder that holds nothing else."""
    with TemporaryDirectory() as folder:
        record = Path(folder) / paths["hea"].stem
        for suffix, path in paths.items():
            record.with_suffix(f".{suffix}").symlink_to(path.resolve())
        yield str(record)


def _header(record: str, path: Path) -> Any:
    """What the header says.

    Raises:
        InputError: the file is no header of a record at 360 Hz, or one of a kind that MIT-BIH does not have.
    """
    import wfdb  # type: ignore[import-untyped]

    _require_small(path)
    # wfdb takes the square of a line's length in time.
    if (longest := max(map(len, path.read_bytes().splitlines()), default=0)) > _LINE:
        raise InputError.unexpected(str(path), f"a line of {longest:,} bytes", f"at most {_LINE:,}")
    with damaged.told(path, "a WFDB header"):
        found = wfdb.rdheader(record)
    if found.fs != RATE:
        raise InputError.unexpected(
            str(path), f"a sampling rate of {found.fs} Hz", f"{RATE:g} Hz, as all MIT-BIH records have"
        )
    # The header names the files of its signals: it is not to lead anywhere else.
    signals = set(getattr(found, "file_name", None) or ())
    if signals != {f"{path.stem}.dat"} or len(found.sig_name) != found.n_sig or (found.sig_len or 0) < 1:
        raise InputError.unexpected(
            str(path),
            f"{len(found.sig_name or ())} signal(s) in {comma_list(sorted(map(str, signals))) or 'no file'}",
            f"{found.n_sig} signals in {path.stem}.dat, and their number of samples",
        )
    if len(set(found.fmt)) > 1 or found.fmt[0] not in _BYTES:
        expected = f"one format of {comma_list(_BYTES)}"
        raise InputError.unexpected(str(path), f"signals in format {comma_list(sorted(set(found.fmt)))}", expected)
    if set(found.samps_per_frame) - {None, 1} or set(found.skew) - {None, 0} or len(set(found.byte_offset)) > 1:
        found = "several samples in a frame, or signals that begin at different times"
        raise InputError.unexpected(str(path), found, "one sample of each signal at a time")
    numbers = [*found.adc_gain, *(abs(zero) for zero in found.baseline if zero is not None)]
    if not all(math.isfinite(gain) and gain for gain in found.adc_gain) or max(map(abs, numbers)) > _LARGEST:
        raise InputError.unexpected(
            str(path), f"the gains and zeros {comma_list(numbers)}", f"numbers up to {_LARGEST:,}"
        )
    return found


def _require_small(path: Path) -> None:
    """Refuse a file of text, or of annotations, that is no such file by its size alone.

    Raises:
        InputError: as said.
    """
    if (size := path.stat().st_size) > _SMALL:
        raise InputError.unexpected(str(path), f"a file of {size:,} bytes", f"at most {_SMALL:,}")


def _millivolts(header: Path, leads: Sequence[str], units: Sequence[str]) -> NDArray[np.float64]:
    """One of each lead's units in mV.

    Raises:
        InputError: a unit that is no voltage.
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
    with _beside(paths) as record:
        signal, declared = _signal(record, paths, leads)
    peaks, codes = _annotations(paths["atr"], len(signal))
    if scaled:
        return Record(signal, peaks, codes)
    factor = _millivolts(paths["hea"], leads, [unit or "mV" for _, unit in declared])
    return Record(signal * factor, peaks, codes, _assumed(paths["hea"], leads, declared))


def _signal(
    record: str, paths: Mapping[str, Path], leads: Sequence[str]
) -> tuple[NDArray[np.float64], list[tuple[str, str]]]:
    """The leads in the units of the header, and what this says of their gains and units."""
    import wfdb

    announced, size = _header(record, paths["hea"]), paths["dat"].stat().st_size
    samples = announced.sig_len * announced.n_sig
    least = (announced.byte_offset[0] or 0) + math.ceil(samples * _BYTES[announced.fmt[0]])
    # Formats that share bytes among samples fill up the last ones.
    if not 0 <= size - least < 4:
        expected = f"{least:,}, for all samples that {paths['hea'].name} announces"
        raise InputError.unexpected(str(paths["dat"]), f"a file of {size:,} bytes", expected)
    try:
        found = wfdb.rdrecord(record, physical=False)
        sums = found.calc_checksum()
        signal: NDArray[np.float64] = found.dac()
    except Exception as error:
        reason = f"a file of {size:,} bytes that cannot be read ({error})"
        raise InputError.unexpected(
            str(paths["dat"]), reason, f"all samples that {paths['hea'].name} announces"
        ) from None
    # The header holds 16 bits of the sum of each signal's samples, with or without a sign.
    for name, own, wanted in zip(found.sig_name, sums, found.checksum, strict=True):
        if wanted is not None and (own - wanted) % 2**16:
            raise InputError.unexpected(
                str(paths["dat"]),
                f"the checksum {own % 2**16} of lead {name}",
                f"{wanted % 2**16}, as {paths['hea'].name} says",
            )
    if twice := [lead for lead in leads if found.sig_name.count(lead) > 1]:
        raise InputError.unexpected(
            str(paths["hea"]), f"several leads named {comma_list(twice)}", "one, which mitdb.leads names"
        )
    places = [found.sig_name.index(lead) for lead in leads]
    if len(declared := _declared(paths["hea"])) != found.n_sig:
        raise InputError.unexpected(str(paths["hea"]), f"{len(declared)} lines of signals", f"{found.n_sig}")
    return signal[:, places], [declared[place] for place in places]


def _annotations(path: Path, samples: int) -> tuple[NDArray[np.int64], list[str]]:
    """Sample and code of each annotation.

    Raises:
        InputError: a file that cannot be read, or that does not belong to the record.
    """
    from wfdb.io import annotation  # type: ignore[import-untyped]

    _require_small(path)
    content = path.read_bytes()
    # The format ends with two zero bytes: without them the file is cut off, which wfdb does not see.
    if not content.endswith(b"\0\0"):
        raise InputError.unexpected(str(path), "a file that is cut off", "WFDB annotations up to their end mark")
    with damaged.told(path, "WFDB annotations"):
        # Not rdann: it never ends where a file defines what it does not know.
        pairs = np.frombuffer(content, np.uint8).reshape(-1, 2)
        places, numbers, _, _, _, notes = annotation.proc_ann_bytes(pairs, None)
    symbols = dict(zip(annotation.ann_label_table.label_store, annotation.ann_label_table.symbol, strict=True))
    found: list[tuple[int, str]] = []
    for place, number, note in zip(places, numbers, notes, strict=False):
        if number not in symbols:
            raise InputError.unexpected(
                str(path), f"an annotation of code {number}", "codes that the WFDB format defines"
            )
        if place == 0 and number == _NOTE:
            _require_known(path, note)
        elif number:
            found.append((place, symbols[number]))
    if not found:
        raise InputError.unexpected(str(path), "no annotations", "one for every beat")
    sample = np.array([place for place, _ in found], np.int64)
    if sample.min() < 0 or sample.max() >= samples or (np.diff(sample) < 0).any():
        reason = f"annotations from sample {sample.min()} to {sample.max()}"
        raise InputError.unexpected(str(path), reason, f"ascending ones from 0 to {samples - 1}, which the record has")
    return sample, [symbol for _, symbol in found]


def _require_known(path: Path, note: str) -> None:
    """Refuse a note at the beginning that gives samples or codes another meaning.

    Raises:
        InputError: as said.
    """
    note = str(note).strip("\0 ")
    if note.startswith("##") and note != f"## time resolution: {RATE:g}":
        raise InputError.unexpected(
            str(path), f"the definition {abbreviate(note)}", f"codes of the WFDB format, at {RATE:g} Hz"
        )
