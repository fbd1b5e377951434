"""R peaks: against the annotations of a real record, against 500 Hz of the same ECG, and of made-up beats."""

import numpy as np
import pytest
import wfdb

from pellucid.datasets.heartbeats import r_peaks
from pellucid.errors import InputError


def test_every_beat_of_record_100_is_found_within_50_ms_and_nothing_else(real_data):
    record = wfdb.rdrecord(str(real_data / "mitdb" / "100"), sampto=60 * 360)
    annotated = wfdb.rdann(str(real_data / "mitdb" / "100"), "atr", sampto=60 * 360)
    beats = annotated.sample[np.isin(annotated.symbol, ["N", "A", "V"])]
    peaks = r_peaks.find(record.p_signal[:, 0], 360.0)
    # The first annotated beat begins before the record is long enough for the filters.
    apart = np.abs(peaks[:, None] - beats[None])
    assert (apart.min(axis=0) > 18).sum() <= 1
    assert apart.min(axis=1).max() <= 18
    assert np.median(apart.min(axis=0)) <= 1


def test_ten_seconds_at_100_hz_have_the_beats_of_the_same_ecg_at_500_hz(real_data):
    # Without interpolation the detector counts T waves at 100 Hz: up to twice as many beats.
    missed = extra = total = 0
    for number in range(1, 21):
        low, high = (
            np.fromfile(real_data / "ptbxl" / f"records{rate}" / "00000" / f"{number:05d}_{ending}.dat", "<i2")
            for rate, ending in ((100, "lr"), (500, "hr"))
        )
        at_100 = r_peaks.find(low.reshape(-1, 12)[:, 1] / 1000, 100.0)
        at_500 = r_peaks.find(high.reshape(-1, 12)[:, 1] / 1000, 500.0) / 5
        apart = np.abs(at_100[:, None] - at_500[None])
        missed, extra, total = (
            missed + (apart.min(0) > 1.1).sum(),
            extra + (apart.min(1) > 1.1).sum(),
            total + len(at_500),
        )
    assert total > 200
    assert missed + extra < 0.08 * total


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("rate", [100.0, 250.0])
def test_peaks_lie_on_the_samples_of_made_up_beats(sign, rate):
    time = np.arange(int(10 * rate)) / rate
    placed = np.arange(0.8, 9.5, 0.9)
    signal = sum(np.exp(-0.5 * ((time - place) / 0.012) ** 2) for place in placed)
    signal += sum(0.2 * np.exp(-0.5 * ((time - place - 0.28) / 0.05) ** 2) for place in placed)
    noise = 0.005 * np.random.default_rng(0).normal(size=len(time))
    peaks = r_peaks.find(sign * signal + noise, rate)
    np.testing.assert_allclose(peaks, np.round(placed * rate), atol=1)


def test_a_flat_line_has_no_beats():
    assert len(r_peaks.find(np.full(1000, 0.3), 100.0)) == 0


@pytest.mark.parametrize(
    ("signal", "rate", "message"),
    [
        (np.zeros(1000), 40.0, "found a sampling rate of 40 Hz; expected 50 Hz or more"),
        (np.zeros(150), 100.0, "found a series of 1.50 s; expected 2 s or more"),
        (np.array([np.nan] * 1000), 100.0, "values that are not finite"),
    ],
)
def test_what_has_no_peaks_that_could_be_found_is_refused(signal, rate, message):
    with pytest.raises(InputError, match=message):
        r_peaks.find(signal, rate)


def test_lead_ii_is_searched_where_it_is_there():
    assert r_peaks.lead_to_search(["I", "II", "V5"]) == 1
    assert r_peaks.lead_to_search(["AVR", "v5"]) == 1
    assert r_peaks.lead_to_search(["left", "right"]) == 0
