"""Sine waves of two frequencies in noise: the smallest data source that a network can learn from."""

from typing import Annotated

import numpy as np
from pydantic import Field

from pellucid.datasets.base import Examples, RawData, SourceSpec

SPEC = SourceSpec(
    title="Slow and fast sine waves in noise",
    kind="series",
    licence="none needed: the data are generated",
    citation="none: an example of the documentation",
    homepage="https://en.wikipedia.org/wiki/Sine_wave",
)
FREQUENCIES = {"slow": 2.0, "fast": 5.0}  # Hz


def load(
    files,
    rng,
    *,
    per_class: Annotated[int, Field(ge=10, description="examples of each class")] = 100,
    noise: Annotated[float, Field(ge=0, description="standard deviation of the noise")] = 0.3,
):
    """Generate 100 samples at 100 Hz of each example, with a random phase."""
    labels = np.repeat(np.arange(len(FREQUENCIES)), per_class)
    frequency = np.array(list(FREQUENCIES.values()))[labels]
    phase = rng.uniform(0, 2 * np.pi, len(labels))
    time = np.arange(100) / 100
    waves = np.sin(2 * np.pi * frequency[:, np.newaxis] * time + phase[:, np.newaxis])
    waves += rng.normal(0, noise, waves.shape)
    return RawData(
        train=Examples(waves[..., np.newaxis].astype(np.float32), labels.astype(np.int64)),
        test=None,
        classes=tuple(FREQUENCIES),
        channels=("wave",),
        unit="a.u.",
        sampling_rate=100.0,
    )
