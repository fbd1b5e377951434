"""Heartbeats of the MIT-BIH Arrhythmia Database, cut by Kachuee et al. 2018, from their two CSV files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from pellucid.datasets.base import Examples, RawData, SourceSpec
from pellucid.datasets.heartbeats import aami
from pellucid.datasets.readers.labelled_rows import read_labelled_rows
from pellucid.datasets.readers.spill_buffer import SpillBuffer
from pellucid.parameters import File

SPEC = SourceSpec(
    title="109,446 real heartbeats of the five AAMI classes, 187 samples at 125 Hz",
    kind="series",
    licence="ODC-By 1.0 (PhysioNet mitdb 1.0.0)",
    citation="Moody GB, Mark RG. The impact of the MIT-BIH Arrhythmia Database. IEEE Eng in Med and Biol 20(3):45-50 "
    "(2001). Kachuee M, Fazeli S, Sarrafzadeh M. ECG Heartbeat Classification: A Deep Transferable Representation. "
    "ICHI (2018)",
    homepage="https://www.kaggle.com/datasets/shayanfazeli/heartbeat",
    files={
        "train": File("mitbih_train.csv: a path or an address"),
        "test": File("mitbih_test.csv: a path or an address"),
    },
    scratch=True,
    channels=1,
)

CLASSES = tuple(aami.CODES)
_COLUMNS = 188


def axes(*, samples: int, **parameters: Any) -> tuple[int, ...]:
    """Return the sizes of an example, without the channels."""
    return (samples,)


def load(
    files: Mapping[str, Path],
    rng: np.random.Generator,
    *,
    samples: Annotated[
        int,
        Field(
            ge=16,
            le=187,
            description="number of samples of each beat that are kept, from the first on. SignalScreen's ECG example "
            "keeps 186",
        ),
    ] = 187,
    scratch: SpillBuffer | None = None,
) -> RawData:
    """Read rows of a beat in [0, 1], zero-padded at its end, and its class 0–4 in the last column.

    Raises:
        InputError: a row has another number of columns, a cell is no finite number, or a class is outside 0–4.
    """
    parts: dict[str, Examples] = {}
    for name in ("train", "test"):
        x, y = read_labelled_rows(files[name], columns=_COLUMNS, classes=len(CLASSES), scratch=scratch)
        parts[name] = Examples(x[:, :samples, np.newaxis], y)
    return RawData(
        train=parts["train"],
        test=parts["test"],
        classes=CLASSES,
        channels=("ECG",),
        unit="scaled amplitude",
        sampling_rate=125.0,
    )
