"""Plant two independent evidences in each heartbeat: its P wave, and its T wave.

The beats are normal (class N of `synthetic_beats.py`), with their neighbours. The P wave and the T wave of the labelled
beat are multiplied by a factor each, drawn independently of each other and of everything else. The evidence for the
label or the value is where this wave lies, in every example: if the label is absent, the shape of the wave says so too.

Modelling assumptions: the waves of the model add up, so a wave times a factor is the wave of a beat whose event is
larger by this factor. A sample belongs to a wave if the wave alone is above 10% of its largest value there. Elsewhere
the wave is not changed: the slow return to the baseline after it would also tell the label, outside of the evidence.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.heartbeats.ecg_model import Array
from pellucid.datasets.heartbeats.synthetic_beats import COVER, simulate
from pellucid.tasks import MULTI_LABEL

# The parts of the labelled beat whose waves are planted, in the order of the labels and values.
PARTS = ("P", "T")
LABELS = tuple(f"inverted {part}" for part in PARTS)
VALUES = tuple(f"{part} height" for part in PARTS)
# What the wave of a beat with the label is multiplied by. Of values, factors from -1 to 1 are drawn.
INVERTED = -1.0


class Planted(NamedTuple):
    """N beats without noise.

    Attributes:
        voltage: (N, 187) in mV.
        present: (N, 2), 1 where the wave is inverted; of no meaning for values.
        heights: (N, 2), the value of largest size of each wave, in mV.
        truth: (N, 187, 2), where each wave lies.
    """

    voltage: Array
    present: NDArray[np.uint8]
    heights: Array
    truth: NDArray[np.bool_]


def plant(
    task: str,
    count: int,
    rng: np.random.Generator,
    *,
    jitter: float,
    variability: float,
    rate_min: float,
    rate_max: float,
) -> Planted:
    """Simulate beats of a task, multi_label or regression; the parameters are those of `synthetic_ecg`."""
    beats = simulate("N", count, rng, jitter=jitter, variability=variability, rate_min=rate_min, rate_max=rate_max)
    parts = np.array(beats.parts)
    if task == MULTI_LABEL:
        present = rng.random((count, len(PARTS))) < 0.5
        factors = np.where(present, INVERTED, 1.0)
    else:
        factors = rng.uniform(-1, 1, (count, len(PARTS)))
        present = factors < 0
    voltage = beats.voltage.copy()
    heights, truth = np.empty((count, len(PARTS))), np.empty((*voltage.shape, len(PARTS)), np.bool_)
    for place, part in enumerate(PARTS):
        waves = beats.waves[:, :, parts == part]
        whole = waves.sum(2)
        # The waves of P and T point up before they are multiplied.
        truth[:, :, place] = (waves > COVER * waves.max(1, keepdims=True)).any(2)
        voltage += (factors[:, place, np.newaxis] - 1) * whole * truth[:, :, place]
        heights[:, place] = factors[:, place] * whole.max(1)
    return Planted(voltage, present.astype(np.uint8), heights, truth)
