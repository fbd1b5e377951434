"""Check and read one record in the WFDB format, a header and its signals, as PhysioNet publishes them."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.readers import damaged
from pellucid.datasets.readers.bounds import require_small
from pellucid.errors import InputError
from pellucid.messages import comma_list

# Each unit in mV. Unicode has two characters for µ, ASCII none.
_MILLIVOLTS = {"V": 1e3, "mV": 1.0, "mv": 1.0, "uV": 1e-3, "uv": 1e-3, "\u00b5V": 1e-3, "\u03bcV": 1e-3, "nV": 1e-6}

# Bytes of a sample, by the format of a signal; formats that are compressed, or hold only differences, are left out.
_BYTES = {"16": 2, "24": 3, "32": 4, "61": 2, "80": 1, "160": 2, "212": 1.5, "310": 4 / 3, "311": 4 / 3}
_LARGEST = 2**31  # of a gain, and of a baseline
_LONGEST_LINE = 500  # bytes


@contextlib.contextmanager
def side_by_side(paths: Mapping[str, Path]) -> Iterator[str]:
    """Yield the name under which wfdb finds the files of a record, in a temporary folder that links to them alone."""
    with TemporaryDirectory() as folder:
        record = Path(folder) / paths["hea"].stem
        for suffix, path in paths.items():
            record.with_suffix(f".{suffix}").symlink_to(path.resolve())
        yield str(record)


def header(record: str, path: Path, rate: float, database: str) -> Any:
    """Return wfdb's view of the header.

    Args:
        record: the name under which wfdb finds the record (`side_by_side`).
        path: the header, for messages.
        rate: sampling rate in Hz, which all records have.
        database: what the records are, for messages ("MIT-BIH").

    Raises:
        InputError: the file is no header, or describes a record of a kind that the database does not have.
    """
    import wfdb  # type: ignore[import-untyped]

    require_small(path)
    # wfdb's time grows with the square of a line's length.
    if (longest := max(map(len, path.read_bytes().splitlines()), default=0)) > _LONGEST_LINE:
        raise InputError.unexpected(str(path), f"a line of {longest:,} bytes", f"at most {_LONGEST_LINE:,}")
    with damaged.refuse_unreadable(path, "a WFDB header"):
        announced = wfdb.rdheader(record)
    if announced.fs != rate:
        raise InputError.unexpected(
            str(path), f"a sampling rate of {announced.fs} Hz", f"{rate:g} Hz, as all {database} records have"
        )
    # The header names the files of its signals: it must not lead to any other file.
    signals = set(getattr(announced, "file_name", None) or ())
    if signals != {f"{path.stem}.dat"} or len(announced.sig_name) != announced.n_sig or (announced.sig_len or 0) < 1:
        raise InputError.unexpected(
            str(path),
            f"{len(announced.sig_name or ())} signal(s) in {comma_list(sorted(map(str, signals))) or 'no file'}",
            f"{announced.n_sig} signals in {path.stem}.dat, and their number of samples",
        )
    if len(set(announced.fmt)) > 1 or announced.fmt[0] not in _BYTES:
        expected = f"one format of {comma_list(_BYTES)}"
        raise InputError.unexpected(str(path), f"signals in format {comma_list(sorted(set(announced.fmt)))}", expected)
    if (
        set(announced.samps_per_frame) - {None, 1}
        or set(announced.skew) - {None, 0}
        or len(set(announced.byte_offset)) > 1
    ):
        found = "several samples in a frame, or signals that begin at different times"
        raise InputError.unexpected(str(path), found, "one sample of each signal at a time")
    numbers = [*announced.adc_gain, *(abs(zero) for zero in announced.baseline if zero is not None)]
    if not all(math.isfinite(gain) and gain for gain in announced.adc_gain) or max(map(abs, numbers)) > _LARGEST:
        raise InputError.unexpected(
            str(path), f"the gains and baselines {comma_list(numbers)}", f"numbers up to {_LARGEST:,}, and no gain of 0"
        )
    return announced


def millivolts(header: Path, leads: Sequence[str], units: Sequence[str], hint: str = "") -> NDArray[np.float64]:
    """Return what each lead's unit is in mV; `hint` says what else can be done about a unit that is no voltage.

    Raises:
        InputError: a unit is no voltage.
    """
    for lead, unit in zip(leads, units, strict=True):
        if unit not in _MILLIVOLTS:
            raise InputError.unexpected(
                f"{header}, lead {lead}",
                f'the unit "{unit}"',
                f"a voltage ({comma_list(_MILLIVOLTS)})",
                hint,
            )
    return np.array([_MILLIVOLTS[unit] for unit in units])


def declared(header: Path) -> list[tuple[str, str]]:
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


def assumed(header: Path, leads: Sequence[str], declared: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return a sentence for each lead whose gain or unit the header leaves to the format's default."""
    notes = []
    for name, (gain, unit) in zip(leads, declared, strict=True):
        if not gain:
            notes.append(f"Record {header.stem} gives {name} no gain: 200 units per mV, as the WFDB format says.")
        elif not unit:
            notes.append(f"Record {header.stem} gives {name} no unit: mV, as the WFDB format says.")
    return tuple(notes)


def signal(
    record: str, paths: Mapping[str, Path], leads: Sequence[str], rate: float, database: str, key: str
) -> tuple[NDArray[np.float64], list[tuple[str, str]]]:
    """Return (time, leads) in the units of the header, and the gain and unit that it declares for each lead.

    Args:
        record: the name under which wfdb finds the record (`side_by_side`).
        paths: its header ("hea") and signals ("dat").
        leads: names of the leads to read, all of which the record has.
        rate: sampling rate in Hz, which all records have.
        database: what the records are, for messages.
        key: the parameter that names the leads, for messages.

    Raises:
        InputError: a file cannot be read, is cut off, or does not belong to the other.
    """
    import wfdb

    announced, size = header(record, paths["hea"], rate, database), paths["dat"].stat().st_size
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
        values: NDArray[np.float64] = content.dac()
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
            str(paths["hea"]), f"several leads named {comma_list(twice)}", f"one, which {key} names"
        )
    places = [content.sig_name.index(lead) for lead in leads]
    if len(scales := declared(paths["hea"])) != content.n_sig:
        raise InputError.unexpected(str(paths["hea"]), f"{len(scales)} lines of signals", f"{content.n_sig}")
    return values[:, places], [scales[place] for place in places]
