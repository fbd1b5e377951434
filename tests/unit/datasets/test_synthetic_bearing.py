"""The bearing's signal has what textbooks say: the fault's rate in the spectrum of the envelope, in the ring's band."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from pellucid.datasets import synthetic_bearing as source
from pellucid.errors import InputError

RATE = 12_000


def drawn(per_class=40, **parameters):
    return source.load({}, np.random.default_rng(5), per_class=per_class, **parameters)


@pytest.fixture(scope="module")
def data():
    return drawn()


@pytest.fixture(scope="module")
def faults():
    """What the faults alone give, without noise, knocks and shaft."""
    return drawn(noise=0, knocks=0, harmonics=0)


def power(x):
    return np.abs(np.fft.rfft(x[:, :, 0].astype(np.float64), axis=1)) ** 2


def envelope_spectrum(x, band):
    """Mean amplitude spectrum of the squared envelope in a band (Hz), and its frequencies."""
    sections = signal.butter(4, band, "bandpass", fs=RATE, output="sos")
    envelope = np.abs(signal.hilbert(signal.sosfiltfilt(sections, x[:, :, 0].astype(np.float64), axis=1), axis=1)) ** 2
    envelope -= envelope.mean(1, keepdims=True)
    return np.abs(np.fft.rfft(envelope, 8 * x.shape[1], axis=1)).mean(0), np.fft.rfftfreq(8 * x.shape[1], 1 / RATE)


def test_what_it_gives(data):
    x, y, truth = data.train.x, data.train.y, data.train.truth_frequency
    assert (x.shape, x.dtype, truth.shape, truth.dtype) == ((120, 2048, 1), "float32", (120, 1025), bool)
    assert data.train.truth is None and source.SPEC.truth_frequency and not source.SPEC.truth
    assert np.bincount(y).tolist() == [40] * 3 and len(np.unique(y[:20])) == 3, "in random order"
    assert np.isfinite(x).all() and data.sampling_rate == RATE and data.unit == "g"
    assert "outer race 107.5 Hz, inner race 162.5 Hz" in data.notes[0]
    assert source.axes(length=2048) == (2048,)


def test_the_generator_decides_everything():
    one, same, other = (source.load({}, np.random.default_rng(seed), per_class=2).train for seed in (1, 1, 2))
    assert one.x.tobytes() == same.x.tobytes() and one.truth_frequency.tobytes() == same.truth_frequency.tobytes()
    assert one.x.tobytes() != other.x.tobytes()


def test_the_rates_are_those_of_a_table_of_bearings():
    """SKF 6205 (9 balls of 7.94 mm on a circle of 39.04 mm): 3.5848 and 5.4152 impulses per revolution."""
    rates = source.fault_rates(9, 7.94, 39.04, 0)
    assert rates["outer race"] == pytest.approx(3.5848, abs=1e-3)
    assert rates["inner race"] == pytest.approx(5.4152, abs=1e-3)
    # Whatever the angle, both together are the number of balls.
    assert sum(source.fault_rates(12, 8, 40, 30).values()) == pytest.approx(12)


@pytest.mark.parametrize(("label", "expected"), [(1, 107.5), (2, 162.5)])
def test_the_envelope_of_the_band_has_the_rate_of_the_fault(data, label, expected):
    chosen = data.train.x[data.train.y == label]
    heights, at = envelope_spectrum(chosen, (2500, 3500))
    searched = (at > 85) & (at < 185)
    # The inner race's rate has sidebands at the shaft's: the largest of rate - shaft, rate and rate + shaft.
    near = np.abs(at[searched][heights[searched].argmax()] - expected - np.array([0, -30, 30]))
    assert near.min() < 3 and (label == 2 or near[0] < 3)
    healthy, _ = envelope_spectrum(data.train.x[data.train.y == 0], (2500, 3500))
    assert heights[searched].max() > 10 * healthy[searched].max()
    # Outside of the band the envelope does not show it: neither in the noise above nor around the knocks.
    elsewhere, _ = envelope_spectrum(chosen, (4500, 5500))
    assert elsewhere[searched].max() < heights[searched].max() / 10


def test_the_inner_race_turns_through_the_load_and_the_outer_does_not(faults):
    """Around the shaft's own rate the envelope has a line only where the load modulates it."""
    lines = {}
    for label in (1, 2):
        heights, at = envelope_spectrum(faults.train.x[faults.train.y == label], (2500, 3500))
        shaft, rate = ((at > 26) & (at < 34)), ((at > 85) & (at < 185))
        lines[label] = heights[shaft].max() / heights[rate].max()
    assert lines[1] < 0.25 and lines[2] > 0.8


def test_the_load_is_that_of_half_the_circumference():
    angle = np.array([0, np.pi / 3, np.pi / 2, 2, np.pi, 2 * np.pi])
    np.testing.assert_allclose(source.load_at(angle), [1, 0.5**1.5, 0, 0, 0, 1], atol=1e-12)


def test_the_truth_holds_the_energy_of_the_fault(faults):
    """A ring's power is a Lorentzian, of which 2/π arctan 3 = 0.795 lies within 3 half widths."""
    y, truth, of_bins = faults.train.y, faults.train.truth_frequency, power(faults.train.x)
    assert not truth[y == 0].any() and not of_bins[y == 0].any(), "a healthy bearing gives nothing"
    for label in (1, 2):
        share = (of_bins * truth)[y == label].sum() / of_bins[y == label].sum()
        assert share == pytest.approx(2 / np.pi * np.arctan(3), abs=0.02)
    at = np.fft.rfftfreq(2048, 1 / RATE)
    for mask in truth[y > 0]:
        low, high = at[mask].min(), at[mask].max()
        assert mask.sum() == np.ptp(np.flatnonzero(mask)) + 1, "one band"
        assert 0.98 * 3000 - 6 < (low + high) / 2 < 1.02 * 3000 + 6
        assert high - low == pytest.approx(6 * 0.03 * (low + high) / 2, abs=12)


def test_the_truth_is_where_faulty_and_healthy_bearings_differ(data):
    mean = {label: power(data.train.x[data.train.y == label]).mean(0) for label in range(3)}
    core = data.train.truth_frequency[data.train.y > 0].all(0)
    outside = ~data.train.truth_frequency.any(0)
    for label in (1, 2):
        assert (mean[label][core] / mean[0][core]).mean() > 5
        assert np.median(mean[label][outside] / mean[0][outside]) == pytest.approx(1, abs=0.15)


def test_without_slip_the_impulses_of_the_outer_race_are_a_comb():
    """At constant speed the spectrum has lines at multiples of the rate, and nothing between them."""
    still = {"slip": 0, "speed_spread": 0, "resonance_spread": 0, "noise": 0, "knocks": 0, "harmonics": 0}
    x = drawn(5, length=24_000, **still)
    outer = power(x.train.x[x.train.y == 1]).mean(0)
    # Strengths vary by a tenth, which gives a floor of about a hundredth; bins are 0.5 Hz wide.
    line = round(28 * source.fault_rates(9, 7.94, 39.04, 0)["outer race"] * 30 / 0.5)
    between = line + round(0.5 * 107.5 / 0.5)
    assert outer[line - 1 : line + 2].max() > 20 * outer[between - 20 : between + 20].max()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"sampling_rate": 6000},
            "resonance: found 3000 Hz, whose band reaches to 3,335 Hz; expected a band below 3,000",
        ),
        ({"knock_resonance": 5900}, "knock_resonance: found 5900 Hz"),
        ({"ball_diameter": 40}, "ball_diameter: found 40 mm; expected less than pitch_diameter"),
    ],
)
def test_what_cannot_be_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        drawn(1, **changes)
