"""The average beat: of made-up ECGs whose beats and maps are known, and of real ones of 12 leads as a figure."""

import numpy as np
import pytest

from pellucid import plugins
from pellucid.compare.average_beats import average_beats, times
from pellucid.datasets.heartbeats.ptbxl_signals import LEADS
from pellucid.draw import average_beat
from tests.support import svg

RATE = 250.0
PLACED = {0: np.arange(200, 2400, 225), 1: np.arange(30, 2490, 180)}  # samples of the R peaks of two records


def ecg(peaks, height=1.0):
    time = np.arange(2500)
    waves = np.exp(-0.5 * ((time[:, None] - peaks) / 3) ** 2) + 0.2 * np.exp(
        -0.5 * ((time[:, None] - peaks - 70) / 12) ** 2
    )
    return height * waves.sum(1)


@pytest.fixture(scope="module")
def made():
    """Two records of label 2: lead II and another; their maps are the ramp of samples from each R peak, times the beat's number."""
    inputs = np.stack([np.stack([2 * ecg(PLACED[record]), ecg(PLACED[record])], axis=1) for record in (0, 1)])
    maps = np.zeros_like(inputs)
    offsets = np.arange(-75, 125)
    for record, peaks in PLACED.items():
        for number, peak in enumerate(peaks):
            for offset in offsets:
                if 0 <= peak + offset < 2500:
                    maps[record, peak + offset] = [offset, number]
    return inputs.astype(np.float32), maps


def test_mean_and_band_are_those_of_all_whole_beats(made):
    inputs, maps = made
    (average,) = average_beats(inputs, maps, np.array([2, 2]), ["V1", "II"], RATE)
    whole = {
        record: [n for n, peak in enumerate(peaks) if peak >= 75 and peak + 125 <= 2500]
        for record, peaks in PLACED.items()
    }
    numbers = np.array([number for members in whole.values() for number in members])
    assert len(whole[1]) < len(PLACED[1])
    assert (average.output, average.records, average.without, average.beats) == (2, 2, 0, len(numbers))
    # The first map is the ramp itself, in every beat: beats closer than their window overwrite each other's ends.
    middle = slice(30, 160)
    np.testing.assert_allclose(average.mean[middle, 0], np.arange(-75, 125)[middle], atol=1e-6)
    np.testing.assert_allclose(average.low[middle, 0], average.high[middle, 0], atol=1e-6)
    np.testing.assert_allclose(average.mean[middle, 1], numbers.mean())
    np.testing.assert_allclose(average.high[middle, 1], np.percentile(numbers, 90))
    assert np.argmax(average.signal[:, 1]) == 75
    np.testing.assert_allclose(average.signal[75], [2, 1], rtol=0.02)
    assert times(RATE)[75] == 0


def test_a_record_without_beats_is_counted_and_a_label_without_any_is_told(made):
    inputs, maps = made
    flat = np.concatenate([inputs[:1], np.zeros_like(inputs[:1]), np.zeros_like(inputs[:1])])
    of_zero, of_one = average_beats(flat, np.concatenate([maps[:1], maps]), np.array([0, 0, 1]), ["V1", "II"], RATE)
    assert (of_zero.records, of_zero.without) == (1, 1)
    assert (of_one.beats, of_one.records, of_one.without) == (0, 0, 1)
    assert np.isnan(of_one.mean).all()


@pytest.mark.parametrize("method", ["saliency", "grad_cam"])
def test_the_figure_names_leads_labels_and_how_many_beats(real_data, tmp_path, method):
    folder = real_data / "ptbxl/records100/00000"
    inputs = np.stack([np.fromfile(folder / f"{n:05d}_lr.dat", "<i2").reshape(1000, 12) for n in (1, 2, 3)]) / 1000
    inputs = np.concatenate([inputs, np.zeros((1, 1000, 12))]).astype(np.float32)
    arrays = {
        "inputs": inputs,
        "attributions": np.abs(inputs)[np.newaxis],
        "labels": np.array([0, 0, 1, 2]),
        "targets": np.array([0, 0, 1, 2]),
        "variants": np.array([method]),
    }
    data_info = {
        "kind": "series",
        "task": "multi_label",
        "classes": ["NORM", "MI", "CD"],
        "channels": list(LEADS),
        "unit": "mV",
        "sampling_rate_hz": 100.0,
    }
    chosen = plugins.defaults(plugins.load("explain")[method])
    figure = average_beat.figure(method, chosen, method, arrays, data_info, title="Some records")
    path = tmp_path / "figure.svg"
    average_beat.style.save(figure, path)
    words = " ".join(svg.words(path))
    assert "beats of 2 records" in words
    assert "label CD: no whole beat was found in 1 record" in words
    assert ("aVR" in words) == (method == "saliency")
    assert "label NORM" in words
