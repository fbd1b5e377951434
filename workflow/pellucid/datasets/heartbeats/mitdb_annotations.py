"""Read the annotations of an MIT-BIH record (its .atr file): where each beat lies, and its code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.readers import damaged
from pellucid.datasets.readers.bounds import require_small
from pellucid.errors import InputError
from pellucid.messages import abbreviate

_NOTE = 22  # code of a note in an annotation file


def read_annotations(path: Path, samples: int, rate: float) -> tuple[NDArray[np.int64], list[str]]:
    """Return the sample and the code of each annotation.

    Args:
        path: the .atr file.
        samples: of the record.
        rate: sampling rate of the record in Hz.

    Raises:
        InputError: the file cannot be read, or does not belong to the record.
    """
    from wfdb.io import annotation  # type: ignore[import-untyped]

    require_small(path)
    content = path.read_bytes()
    # The format ends with two zero bytes: wfdb does not notice a file that is cut off before them.
    if not content.endswith(b"\0\0"):
        raise InputError.unexpected(str(path), "a file that is cut off", "WFDB annotations up to their end mark")
    with damaged.refuse_unreadable(path, "WFDB annotations"):
        # Not rdann: it never ends where a file defines something that it does not know.
        pairs = np.frombuffer(content, np.uint8).reshape(-1, 2)
        places, numbers, _, _, _, notes = annotation.proc_ann_bytes(pairs, None)
    symbols = dict(zip(annotation.ann_label_table.label_store, annotation.ann_label_table.symbol, strict=True))
    annotations: list[tuple[int, str]] = []
    for place, number, note in zip(places, numbers, notes, strict=False):
        if number not in symbols:
            raise InputError.unexpected(
                str(path), f"an annotation of code {number}", "codes that the WFDB format defines"
            )
        if place == 0 and number == _NOTE:
            _require_standard_codes(path, note, rate)
        elif number:
            annotations.append((place, symbols[number]))
    if not annotations:
        raise InputError.unexpected(str(path), "no annotations", "one for every beat")
    peaks = np.array([place for place, _ in annotations], np.int64)
    if peaks.min() < 0 or peaks.max() >= samples or (np.diff(peaks) < 0).any():
        raise InputError(
            str(path),
            f"its annotations run from sample {peaks.min()} to {peaks.max()}; they must ascend within the record, from "
            f"0 to {samples - 1}.",
        )
    return peaks, [symbol for _, symbol in annotations]


def _require_standard_codes(path: Path, note: str, rate: float) -> None:
    """Refuse a note at the beginning that gives samples or codes another meaning than the format does."""
    note = str(note).strip("\0 ")
    if note.startswith("##") and note != f"## time resolution: {rate:g}":
        raise InputError.unexpected(
            str(path), f"the definition {abbreviate(note)}", f"codes of the WFDB format, at {rate:g} Hz"
        )
