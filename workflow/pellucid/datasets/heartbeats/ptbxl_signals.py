"""Read the signal of one record of PTB-XL: a WFDB header of one form, and samples of 16 bits.

wfdb would take 20 ms for each of the 21,799 headers. All headers have the same form; only this form is read here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.ecg_leads import LEADS
from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list

SECONDS = 10
# The files write AVR, AVL and AVF.
_SPELLED = {lead.upper(): lead for lead in LEADS}
_LARGEST_HEADER = 4_096  # bytes; the published ones have 540

# File, format, gain (baseline) and unit, bits, zero of the converter, first sample, checksum, block size, name.
_SIGNAL = re.compile(
    r"(?P<file>\S+) 16 (?P<gain>\d{1,9}(?:\.\d{1,9})?)\((?P<baseline>-?\d{1,5})\)/mV 16 0 (?P<first>-?\d{1,6}) "
    r"(?P<checksum>-?\d{1,6}) 0 (?P<lead>\S{1,20})"
)
_MISSING = -(2**15)  # the sample of format 16 that marks a missing value


@dataclass(frozen=True)
class Lead:
    """What a header says of one lead: the converter's units per mV and its unit of 0 mV, first sample, checksum."""

    gain: float
    baseline: int
    first: int
    checksum: int


def header(content: bytes, where: str, stem: str, rate: int) -> dict[str, Lead]:
    """Return the leads of a record by name, in the order of the samples.

    Args:
        content: of the .hea file.
        where: the file, for messages.
        stem: its name without the suffix, which is the record's.
        rate: sampling rate in Hz.

    Raises:
        InputError: the header has another form, rate or number of samples than those of PTB-XL.
    """
    if len(content) > _LARGEST_HEADER:
        raise InputError.unexpected(where, f"a header of {len(content):,} bytes", f"at most {_LARGEST_HEADER:,}")
    lines = content.decode("latin-1").splitlines()
    first = f"{stem} {len(lines) - 1} {rate} {SECONDS * rate}"
    if not lines or lines[0].strip() != first:
        found = f"the first line {abbreviate(lines[0] if lines else '')} and {max(len(lines) - 1, 0)} other(s)"
        expected = f'"{stem} (number of leads) {rate} {SECONDS * rate}" and a line for each lead'
        raise InputError.unexpected(where, found, expected)
    leads: dict[str, Lead] = {}
    for line in lines[1:]:
        match = _SIGNAL.fullmatch(line.strip())
        if match is None or match["file"] != f"{stem}.dat" or not float(match["gain"]):
            expected = f'one like "{stem}.dat 16 1000.0(0)/mV 16 0 -119 1508 0 I"'
            raise InputError.unexpected(where, f"the line {abbreviate(line)}", expected)
        name = _SPELLED.get(match["lead"], match["lead"])
        if name in leads:
            raise InputError.unexpected(where, f"two leads named {match['lead']}", "each lead once")
        leads[name] = Lead(float(match["gain"]), int(match["baseline"]), int(match["first"]), int(match["checksum"]))
    return leads


def millivolts(
    content: bytes, where: str, announced: dict[str, Lead], leads: Sequence[str], rate: int
) -> NDArray[np.float32]:
    """Return the samples (time, leads) of the chosen leads in mV.

    Args:
        content: of the .dat file: samples of 16 bits, the lowest byte first, all leads of a moment together.
        where: the file, for messages.
        announced: what the header says of all leads.
        leads: to return, in this order.
        rate: sampling rate in Hz.

    Raises:
        InputError: the file is cut off, is not the header's, lacks a lead, or marks a sample as missing.
    """
    if lacking := [lead for lead in leads if lead not in announced]:
        found = f"no lead {comma_list(lacking)}, only {comma_list(announced)}"
        raise InputError.unexpected(where, found, "the leads that ptbxl.leads names")
    if len(content) != (size := 2 * SECONDS * rate * len(announced)):
        expected = f"{size:,} bytes, for all samples that its header announces"
        raise InputError.unexpected(where, f"a file of {len(content):,} bytes", expected)
    samples = np.frombuffer(content, "<i2").reshape(SECONDS * rate, len(announced))
    sums = samples.sum(axis=0, dtype=np.int64)
    for place, (name, lead) in enumerate(announced.items()):
        # The header holds 16 bits of the sum of each lead's samples, with or without a sign.
        if samples[0, place] != lead.first or (int(sums[place]) - lead.checksum) % 2**16:
            found = f"{samples[0, place]} and the checksum {int(sums[place]) % 2**16} for lead {name}"
            expected = f"{lead.first} and {lead.checksum % 2**16}, as its header says: the first sample and the sum"
            raise InputError.unexpected(where, found, expected)
    names = list(announced)
    chosen = samples[:, [names.index(lead) for lead in leads]]
    if missing := [lead for lead, column in zip(leads, chosen.T, strict=True) if (column == _MISSING).any()]:
        found = f"samples of lead {comma_list(missing)} that are marked as missing"
        raise InputError.unexpected(where, found, "a value for each sample")
    baselines = np.array([announced[lead].baseline for lead in leads])
    gains = np.array([announced[lead].gain for lead in leads])
    signal: NDArray[np.float32] = ((chosen - baselines) / gains).astype(np.float32)
    return signal
