"""What is removed at a time: which values belong together, and what they have in sum."""

from copy import deepcopy

import numpy as np
import pytest

from pellucid.config.resolution import ConfigError, resolve
from pellucid.errors import InputError
from pellucid.score.shared.units import count, sums, units
from tests.support.good_settings import GOOD


def cut(shape, unit, window="auto", channels="together"):
    inputs = np.random.default_rng(0).random((2, *shape), np.float32)
    return units(inputs, unit=unit, window=window, channels=channels)


@pytest.mark.parametrize(
    ("shape", "options", "number"),
    [
        ((12, 3), {"unit": "value"}, 36),
        ((12, 3), {"unit": "sample"}, 12),
        ((12, 3), {"unit": "window", "window": 5}, 3),
        ((12, 3), {"unit": "window", "window": 5, "channels": "each"}, 9),
        ((300, 9), {"unit": "window"}, 20),
        ((9, 8, 3), {"unit": "value"}, 216),
        ((9, 8, 3), {"unit": "sample"}, 72),
        ((9, 8, 3), {"unit": "window", "window": 4}, 6),
        ((9, 8, 3), {"unit": "window", "window": 4, "channels": "each"}, 18),
    ],
)
def test_number_of_units(shape, options, number):
    labels = cut(shape, **options)
    assert count(labels).tolist() == [number]
    assert sorted(np.unique(labels)) == list(range(number))


def test_windows_are_slices_and_the_last_is_what_is_left():
    labels = cut((12, 3), "window", 5)
    np.testing.assert_array_equal(labels[0, :, 0], [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2])


def test_blocks_of_an_image_are_squares():
    labels = cut((9, 8, 3), "window", 4)[0, ..., 0]
    np.testing.assert_array_equal(labels[:4, :4], 0)
    np.testing.assert_array_equal(labels[4:8, 4:], 3)
    np.testing.assert_array_equal(labels[8, :4], 4)


@pytest.mark.parametrize("unit", ["value", "sample", "window", "superpixel"])
@pytest.mark.parametrize("channels", ["together", "each"])
def test_sums_are_those_of_a_loop(unit, channels):
    labels = cut((24, 20, 3), unit, channels=channels)
    values = np.random.default_rng(1).normal(size=(2, 24, 20, 3))
    found = sums(values, labels)
    whole = np.broadcast_to(labels, values.shape)
    for row in range(2):
        expected = [values[row][whole[row] == label].sum() for label in range(found.shape[1])]
        np.testing.assert_allclose(found[row], expected, atol=1e-12)


def test_superpixels_are_for_images():
    with pytest.raises(InputError, match='unit: found "superpixel" for examples with 1 axis; expected value, sample'):
        cut((12, 3), "superpixel")


def test_a_window_fits_into_the_input():
    with pytest.raises(InputError, match="window: found 13; expected at most the input's 12"):
        cut((12, 3), "window", 13)


@pytest.mark.parametrize(
    "score",
    [
        *("deletion_insertion", "sufficiency", "faithfulness_correlation", "infidelity", "road", "irof"),
        *("sensitivity_n", "region_perturbation", "degradation"),
    ],
)
def test_superpixels_of_a_series_are_refused_before_a_model_is_trained(score):
    content = deepcopy(GOOD)
    series = {"dataset": {"source": "synthetic_ecg"}, "model": {"architecture": "heartbeat_cnn"}}
    content["run"] = ["beats"]
    content["experiments"]["beats"] = {**series, "scores": {score: {"unit": "superpixel"}}}
    with pytest.raises(ConfigError, match=rf'beats.scores.{score}: unit: found "superpixel" for examples with 1 axis'):
        resolve(content)
