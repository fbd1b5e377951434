"""Transforms of signals: exact inverses, Parseval, gradients, and the frequency of a sine."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.network.signal_transforms import BandTransform, FourierTransform, ShortTimeTransform

TRANSFORMS = {
    "even": FourierTransform(60, 2),
    "odd": FourierTransform(61, 2),
    "bands": BandTransform(61, 2, 8),
    "short": ShortTimeTransform(61, 2, 16),
    "short, whole frames": ShortTimeTransform(64, 2, 8),
}


def signals(transform, seed=0):
    return np.random.default_rng(seed).standard_normal((3, transform.length, 2)).astype(np.float32)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_inverse_gives_the_signal_back(name):
    transform = TRANSFORMS[name]
    x = signals(transform)
    z = transform.forward(x)
    assert z.dtype == np.complex64
    assert z.shape == (3, *transform.shape)
    np.testing.assert_allclose(transform.inverse(z), x, atol=1e-5)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_adjoint_is_the_gradient_of_the_inverse(name):
    """For any coefficients z and any g: <g, inverse(z)> = Re <adjoint(g), z>, the definition of the transposed map."""
    transform = TRANSFORMS[name]
    rng = np.random.default_rng(1)
    z = (rng.standard_normal((3, *transform.shape)) + 1j * rng.standard_normal((3, *transform.shape))).astype("c8")
    g = signals(transform, 2)
    in_time = (g * transform.inverse(z)).sum((1, 2))
    weights = transform.adjoint(g)
    axes = tuple(range(1, z.ndim))
    np.testing.assert_allclose((weights.real * z.real + weights.imag * z.imag).sum(axes), in_time, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["even", "odd", "bands"])
def test_the_spectrum_has_the_energy_of_the_signal(name):
    x = signals(TRANSFORMS[name])
    energy = (np.abs(TRANSFORMS[name].forward(x)) ** 2).sum((1, 2))
    np.testing.assert_allclose(energy, (x.astype(np.float64) ** 2).sum((1, 2)), rtol=1e-5)


def test_bins_are_those_of_numpy():
    x = signals(TRANSFORMS["even"])
    weights = np.full(31, np.sqrt(2 / 60))
    weights[[0, -1]] /= np.sqrt(2)
    expected = np.fft.rfft(x, axis=1) * weights[:, np.newaxis]
    np.testing.assert_allclose(TRANSFORMS["even"].forward(x), expected, atol=1e-5)


def test_a_sine_is_at_its_frequency_and_in_its_frames():
    time = np.arange(400)
    x = (np.sin(2 * np.pi * 0.25 * time) * (time >= 200)).astype(np.float32)[np.newaxis, :, np.newaxis]
    short = ShortTimeTransform(400, 1, 32)
    energy = np.abs(short.forward(x)[0, ..., 0]) ** 2
    assert short.frequencies[energy.sum(1).argmax()] == 0.25
    assert energy[:, short.centres < 180].sum() < 1e-6 * energy.sum()
    whole = FourierTransform(400, 1)
    assert whole.frequencies[np.abs(whole.forward(x)[0, :, 0]).argmax()] == 0.25


def test_bands_partition_the_frequencies_and_sum_to_the_signal():
    bands = TRANSFORMS["bands"]
    x = signals(bands)
    z = bands.forward(x)
    masks = bands.spread(np.repeat(np.eye(8, dtype=bool)[:, :, np.newaxis], 2, axis=2))
    assert (masks.sum(0) == 1).all()
    np.testing.assert_allclose(sum(bands.inverse(np.where(mask, z, 0)) for mask in masks), x, atol=1e-5)
    energy = np.abs(z) ** 2
    expected = np.stack([(energy * mask).sum(1) for mask in masks], axis=1)
    np.testing.assert_allclose(bands.gather(energy), expected, rtol=1e-5)
    assert len(bands.edges) == 9
    assert bands.edges[0] == 0


@pytest.mark.parametrize("made", [lambda: BandTransform(10, 1, 7), lambda: ShortTimeTransform(30, 1, 7)])
def test_refuses_what_does_not_fit(made):
    with pytest.raises(InputError):
        made()


def test_refuses_a_frame_longer_than_the_signal():
    with pytest.raises(InputError, match="signal's 30"):
        ShortTimeTransform(30, 1, 32)
