"""The sinusoids are where the truth says, by numpy's Fourier transform; nothing else tells the class."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.datasets import synthetic_frequencies as source
from pellucid.errors import InputError

KEYS = (5, 16, 32)


@pytest.fixture(scope="module")
def data():
    return source.load({}, np.random.default_rng(5), per_class=50)


def amplitudes(x):
    """The amplitude of the sinusoid in each bin, (N, bins)."""
    return np.abs(np.fft.rfft(x[:, :, 0].astype(np.float64), axis=1)) / (x.shape[1] / 2)


def test_what_it_gives(data):
    x, y, truth = data.train.x, data.train.y, data.train.truth_frequency
    assert (x.shape, x.dtype, y.dtype, truth.shape, truth.dtype) == (
        (400, 640, 1),
        "float32",
        "int64",
        (400, 321),
        bool,
    )
    assert data.train.truth is None and source.SPEC.truth_frequency and not source.SPEC.truth
    assert np.bincount(y).tolist() == [50] * 8 and len(np.unique(y[:60])) == 8, "in random order"
    assert data.classes[0] == "none" and data.classes[1] == "5 Hz" and data.classes[-1] == "5+16+32 Hz"
    # Bins are whole numbers of Hz.
    assert np.fft.rfftfreq(640, 1 / data.sampling_rate)[5] == 5
    assert source.axes(length=640) == (640,)


def test_the_generator_decides_everything():
    one, same, other = (source.load({}, np.random.default_rng(seed), per_class=5).train for seed in (1, 1, 2))
    assert one.x.tobytes() == same.x.tobytes() and (one.y == same.y).all()
    assert one.truth_frequency.tobytes() == same.truth_frequency.tobytes()
    assert one.x.tobytes() != other.x.tobytes()


@pytest.mark.parametrize("length", [640, 641])
def test_every_example_has_the_sinusoids_of_its_class_and_of_no_other_key_frequency(length):
    data = source.load({}, np.random.default_rng(3), per_class=30, noise=0, length=length)
    found = amplitudes(data.train.x)
    present = found > 0.5
    np.testing.assert_allclose(found[present], 1, atol=1e-4)
    assert found[~present].max() < 1e-4
    for row, label, truth in zip(present, data.train.y, data.train.truth_frequency, strict=True):
        named = [] if label == 0 else [int(key) for key in data.classes[label].removesuffix(" Hz").split("+")]
        assert [key for key in KEYS if row[key]] == named == np.flatnonzero(truth).tolist()
    count = present.sum(1)
    assert (count.min(), count.max()) == (5, 20)
    assert np.flatnonzero(present.any(0)).tolist() == list(range(1, 41))
    # Energy and number of sinusoids do not tell the class.
    means = [count[data.train.y == label].mean() for label in range(8)]
    assert np.ptp(means) < 6 * count.std() / np.sqrt(30)


def test_phases_are_uniform(data):
    turned = np.exp(1j * np.angle(np.fft.rfft(data.train.x[data.train.truth_frequency[:, 16], :, 0], axis=1)[:, 16]))
    assert abs(turned.mean()) < 3 / np.sqrt(len(turned))


def test_the_published_recipe():
    published = {"frequencies": [5, 16, 32, 53], "components_min": 10, "components_max": 49, "highest": 60}
    data = source.load({}, np.random.default_rng(1), per_class=12, length=2560, noise=0.8, **published)
    assert len(data.classes) == 16 and data.train.x.shape == (192, 2560, 1)
    beyond = np.fft.rfft(data.train.x[:, :, 0], axis=1)[:, 61:-1]
    # White noise of standard deviation s has the mean power length s² in each bin.
    assert np.mean(np.abs(beyond) ** 2) / 2560 == pytest.approx(0.64, rel=0.02)
    assert data.train.truth_frequency.sum() == 12 * 32


def test_of_labels_each_has_the_bin_of_its_frequency():
    data = source.load({}, np.random.default_rng(3), per_class=4, task="multi_label")
    truth = data.train.truth_frequency
    assert data.task == source.task(task="multi_label") == "multi_label"
    assert truth.shape == (32, 321, 3) and (truth.sum(1) == 1).all()
    assert [int(truth[0, :, label].argmax()) for label in range(3)] == list(KEYS)
    assert ((amplitudes(data.train.x)[:, list(KEYS)] > 0.5) == data.train.y).all() and data.train.y.dtype == "uint8"
    assert data.classes == ("5 Hz", "16 Hz", "32 Hz")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"length": 64}, "highest: found 40 Hz; expected at most 31 Hz"),
        ({"frequencies": [5, 320]}, "frequencies: found 320 Hz; expected at most 319 Hz"),
        ({"lowest": 41}, "lowest: found 41; expected at most highest"),
        ({"components_min": 2}, "components_min: found 2 with 3 frequencies"),
        ({"components_min": 21}, "components_min: found 21"),
        ({"components_max": 38}, "components_max: found 38; expected at most 37"),
    ],
)
def test_what_cannot_be_drawn_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        source.load({}, np.random.default_rng(0), per_class=1, **changes)
