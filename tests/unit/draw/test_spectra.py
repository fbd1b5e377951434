"""Figures of maps over frequencies: their axes, units and captions."""

import numpy as np
import pytest

from pellucid import files
from pellucid.draw.explanation import draw
from pellucid.explain.shared import domains, stored_maps
from tests.support import svg

LENGTH = 64


def words_of(folder, domain, channels, rate):
    rng = np.random.default_rng(0)
    transform = domains.transform_of((LENGTH, channels), domain=domain)
    maps = rng.standard_normal((2, *transform.cells)).astype(np.float32)
    label = "gradient_input"
    arrays = {
        "inputs": rng.standard_normal((2, LENGTH, channels)).astype(np.float32),
        "labels": np.array([0, 1]),
        "predictions": np.array([0, 1]),
        "probabilities": np.array([[0.9, 0.1], [0.2, 0.8]]),
        "targets": np.array([0, 1]),
        "truth": np.ones((2, LENGTH, channels), bool),
        "measured": np.ones((2, LENGTH, channels), bool),
        "variants": np.array([], np.str_),
        "attributions": np.zeros((0, 2, LENGTH, channels), np.float32),
        **stored_maps.arrays_of({label: stored_maps.of(domain, maps, transform, rate)}),
    }
    info = {"kind": "series", "unit": "mV", "sampling_rate_hz": rate, "classes": ["slow", "fast"]}
    files.write_json(folder / "data.json", {**info, "channels": [f"lead {place}" for place in range(channels)]})
    files.write_arrays(folder / "attributions.npz", arrays)
    png, picture = folder / "a.png", folder / "a.svg"
    draw(
        method=label,
        variant=label,
        parameters={"domain": domain, "frame": "auto", "bands": 8},
        title="A title",
        data=folder / "data.json",
        attributions=folder / "attributions.npz",
        pictures=[png, picture],
    )
    assert png.stat().st_size > 5000
    return " ".join(svg.words(picture))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("domain", ["frequency", "bands"])
def test_a_spectrum_has_a_frequency_axis(tmp_path, domain, channels):
    words = words_of(tmp_path, domain, channels, 125.0)
    assert "frequency (Hz)" in words
    assert "time" not in words
    assert f"domain {domain}" in words
    assert ("bands 8" in words) == (domain == "bands")
    assert "frame" not in words
    assert "padding and gaps are part of the transformed signals" in words
    assert "planted" not in words  # the evidence is known in time, which the figure does not show


def test_without_a_sampling_rate_frequencies_are_in_cycles_per_sample(tmp_path):
    words = words_of(tmp_path, "frequency", 1, None)
    assert "frequency (cycles per sample)" in words
    assert "Hz" not in words


@pytest.mark.parametrize("channels", [1, 3])
def test_a_spectrogram_has_both_axes(tmp_path, channels):
    words = words_of(tmp_path, "stft", channels, 125.0)
    assert "time (s)" in words
    assert "Hz" in words
    assert ("2 of 3 channels" in words) == (channels == 3)
