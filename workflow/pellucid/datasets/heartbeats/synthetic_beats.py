"""Simulate heartbeats of the five AAMI classes, and mark the samples that are evidence for each class.

Modelling assumptions:

- The evidence (`EVIDENCE`) is where a wave lies that tells the class. If the absence of a wave tells the class, it is
  where this wave is missing. A sample belongs to a wave if the wave alone is above 10% of its own height there.
- N, F and Q are recognised by all waves of their own beat. The P wave of S is early only relative to the beat before;
  the QRS and T of the beat before are therefore evidence for S, as far as the window shows them. V is early too, but
  its own beat is enough: its neighbours repeat the evidence and do not count.
- A missing P wave would lie where the sinus beats of the same person have theirs: before the QRS.
- Heights, widths, delays and RR intervals vary independently of each other; QT follows the square root of RR.

Source of the model: McSharry et al. 2003, see `ecg_model.py`. The waves in the tables have the size that they
have in lead II: QRS below 120 ms if narrow and above if ventricular, PR interval 120-200 ms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pellucid.datasets.heartbeats.ecg_model import Array, contributions, events

RATE = 125.0
SAMPLES = 187
R_SAMPLE = 75
CLASSES = ("N", "S", "V", "F", "Q")
# A sample belongs to a wave that is above this share of its own height there.
COVER = 0.1
# Shortest RR interval in s: no ventricle answers sooner.
SOONEST = 0.36


class Wave(NamedTuple):
    """One Gaussian wave at an RR interval of 1 s.

    Attributes:
        part: the part of the beat to which it belongs: "P", "QRS", "T" or "spike".
        height: in mV.
        delay: of its peak after the R peak in ms.
        width: standard deviation in ms.
    """

    part: str
    height: float
    delay: float
    width: float


# A P or T wave is two Gaussians, so that it can be asymmetric or biphasic.
SINUS = (
    Wave("P", 0.10, -168, 17),
    Wave("P", 0.08, -140, 16),
    Wave("QRS", -0.10, -25, 8),
    Wave("QRS", 1.10, 0, 10),
    Wave("QRS", -0.22, 26, 9),
    Wave("T", 0.17, 260, 52),
    Wave("T", 0.13, 305, 30),
)
VENTRICULAR = (
    Wave("QRS", 1.10, -18, 25),
    Wave("QRS", 0.90, 30, 27),
    Wave("QRS", -0.25, 88, 22),
    Wave("T", -0.30, 230, 62),
    Wave("T", -0.28, 300, 42),
)
PACED = (
    Wave("spike", 0.90, -88, 4),
    Wave("QRS", 1.00, -18, 27),
    Wave("QRS", 0.80, 35, 28),
    Wave("T", -0.30, 240, 60),
    Wave("T", -0.28, 310, 42),
)

# Standard deviations between beats, by part: of the logarithm of each wave's height, of the logarithm of the whole
# part's height, of the logarithm of its width, and of its delay in ms.
VARIATION = {
    "P": (0.15, 0.30, 0.10, 12.0),
    "QRS": (0.20, 0.15, 0.10, 0.0),
    "T": (0.20, 0.40, 0.10, 12.0),
    "spike": (0.0, 0.50, 0.0, 6.0),
}

# The waves that tell each class: of the labelled beat, or (previous) of the beat before it.
EVIDENCE: Mapping[str, tuple[str, ...]] = {
    "N": ("P", "QRS", "T"),
    "S": ("P", "QRS", "previous QRS", "previous T"),
    "V": ("missing P", "QRS", "T"),
    "F": ("P", "QRS", "T"),
    "Q": ("missing P", "spike", "QRS", "T"),
}


@dataclass(frozen=True)
class Beats:
    """N labelled beats with their neighbours, without noise.

    Attributes:
        parts: the part to which each wave belongs, with "previous " or "next " in front for the beats before and
            after. "missing P" is a P wave that would lie there: it does not count in the signal.
        waves: (N, 187, W) in mV, what each wave adds to the signal.
        truth: (N, 187), True at the evidence for the class.
        rr_sinus: (N,), RR interval of the rhythm in s.
        rr_before: (N,), from the R peak before to the labelled one in s.
        rr_after: (N,), from the labelled R peak to the next in s.
        r_time: (N,), time of the labelled R peak in the window in s.
    """

    parts: tuple[str, ...]
    waves: Array
    truth: NDArray[np.bool_]
    rr_sinus: Array
    rr_before: Array
    rr_after: Array
    r_time: Array

    @property
    def voltage(self) -> Array:
        """Return the signal: (N, 187) in mV."""
        return np.asarray(self.waves[:, :, np.array(self.parts) != "missing P"].sum(axis=2))


def simulate(
    name: str,
    count: int,
    rng: np.random.Generator,
    *,
    jitter: float = 3,
    variability: float = 1,
    rate_min: float = 55,
    rate_max: float = 95,
) -> Beats:
    """Simulate `count` beats of the class `name` without noise; the parameters are those of `synthetic_ecg`."""
    rr = 60 / rng.uniform(rate_min, rate_max, count)
    sinus = _draw(SINUS, rr, rng, variability)
    before, after = _rhythm(name, rr, rng, variability)
    r_time = (R_SAMPLE + rng.uniform(-jitter, jitter, count)) / RATE

    previous = replace(sinus, parts=tuple(f"previous {part}" for part in sinus.parts))
    this = _labelled(name, sinus, rr, rng, variability)
    following = replace(sinus, parts=tuple(f"next {part}" for part in sinus.parts))
    shapes = _joined([previous, this, following])
    beat = np.repeat([0, 1, 2], [len(previous.parts), len(this.parts), len(following.parts)])
    peak = np.column_stack([r_time - before, r_time, r_time + after])[:, beat]
    turn = np.column_stack([rr, before, after])[:, beat]
    start = float(np.min(peak + shapes.delay - 5 * shapes.width))
    driven = events(shapes.height, shapes.delay, shapes.width, turn, peak)
    waves = contributions(driven, min(start, 0.0), SAMPLES, RATE)

    # The slow return to the baseline leaves a tail of opposite sign behind each wave, which is not part of it.
    covered = waves * np.sign(shapes.height)[:, None] > COVER * np.abs(shapes.height)[:, None]
    truth = covered[:, :, np.isin(shapes.parts, EVIDENCE[name])].any(axis=2)
    return Beats(shapes.parts, waves, truth, rr, before, after, r_time)


@dataclass(frozen=True)
class Shapes:
    """Waves of N beats: their parts (W) and, each of shape (N, W), heights in mV, delays and widths in s."""

    parts: tuple[str, ...]
    height: Array
    delay: Array
    width: Array


def _draw(table: Sequence[Wave], rr: Array, rng: np.random.Generator, variability: float) -> Shapes:
    """Draw the waves of one beat for each of N people; `rr` (N,) are the RR intervals of their rhythms in s."""
    parts = tuple(wave.part for wave in table)
    names = list(dict.fromkeys(parts))
    member = [names.index(part) for part in parts]
    wave_sd, part_sd, width_sd, delay_sd = np.array([VARIATION[name] for name in names])[member].T
    of_part = variability * rng.normal(size=(3, len(rr), len(names)))[:, :, member]
    of_wave = variability * rng.normal(size=(len(rr), len(parts)))
    stretch = np.exp(width_sd * of_part[1])
    qt = np.where(np.array(parts) == "T", np.sqrt(rr)[:, None], 1.0)
    # A wider QRS is longer as a whole; a wider P or T wave stays where it is.
    reach = np.where(np.array(parts) == "QRS", stretch, qt)
    height, delay, width = np.array([wave[1:] for wave in table]).T
    return Shapes(
        parts=parts,
        height=height * np.exp(part_sd * of_part[0] + wave_sd * of_wave),
        delay=(delay * reach + delay_sd * of_part[2]) / 1000,
        width=width * stretch * np.sqrt(qt) / 1000,
    )


def _scaled(shapes: Shapes, factor: Array) -> Shapes:
    """Multiply the heights of the QRS and T by `factor` (N, 1)."""
    is_scaled = np.isin(shapes.parts, ("QRS", "T"))
    return replace(shapes, height=shapes.height * np.where(is_scaled, factor, 1.0))


def _missing_p(shapes: Shapes) -> Shapes:
    """Return the P waves of the same beats, marked as missing."""
    is_p = np.array(shapes.parts) == "P"
    parts = ("missing P",) * int(is_p.sum())
    return Shapes(parts, shapes.height[:, is_p], shapes.delay[:, is_p], shapes.width[:, is_p])


def _joined(several: Sequence[Shapes]) -> Shapes:
    """Join the waves of several beats of the same people along the axis of waves."""
    return Shapes(
        parts=tuple(part for shapes in several for part in shapes.parts),
        height=np.concatenate([shapes.height for shapes in several], axis=1),
        delay=np.concatenate([shapes.delay for shapes in several], axis=1),
        width=np.concatenate([shapes.width for shapes in several], axis=1),
    )


def _labelled(name: str, sinus: Shapes, rr: Array, rng: np.random.Generator, variability: float) -> Shapes:
    """Return the waves of the labelled beats; `sinus` are the waves of the same people's normal beats."""
    column = (len(rr), 1)
    if name == "S":
        # An ectopic focus makes the P wave small, inverted or biphasic, and moves it to or from the QRS.
        kinds = np.array([[0.35, 0.35], [-0.8, -0.8], [-0.8, 0.8], [0.8, -0.8]])
        is_p = np.array(sinus.parts) == "P"
        height, delay = sinus.height.copy(), sinus.delay.copy()
        height[:, is_p] *= kinds[rng.integers(len(kinds), size=len(rr))]
        delay[:, is_p] += rng.uniform(-0.02, 0.04, column)
        return replace(sinus, height=height, delay=delay)
    if name == "V":
        ectopic = _draw(VENTRICULAR, rr, rng, variability)
        polarity = np.where(rng.random(column) < 0.75, 1.0, -1.0)
        return _joined([_scaled(ectopic, polarity), _missing_p(sinus)])
    if name == "F":
        share = rng.uniform(0.25, 0.75, column)
        ectopic = _scaled(_draw(VENTRICULAR, rr, rng, variability), share)
        return _joined([_scaled(sinus, 1 - share), ectopic])
    if name == "Q":
        paced = _draw(PACED, rr, rng, variability)
        polarity = np.where(rng.random(column) < 0.5, 1.0, -1.0)
        return _joined([_scaled(paced, polarity), _missing_p(sinus)])
    return sinus


def _rhythm(name: str, rr: Array, rng: np.random.Generator, variability: float) -> tuple[Array, Array]:
    """Draw the RR intervals before and after the labelled beat, each (N,) in s; `rr` is that of the sinus rhythm."""
    count = len(rr)
    before, after = rr * np.exp(0.04 * variability * rng.normal(size=(2, count)))
    if name == "S":
        before = np.maximum(rr * rng.uniform(0.58, 0.9, count), SOONEST)
    elif name == "V":
        early = np.maximum(rr * rng.uniform(0.5, 0.85, count), SOONEST)
        # The early beat does not reset the sinus node: a longer pause follows.
        before, after = early, before + after - early
    return before, after
