"""Transformations of training examples: closed forms, scikit-image, and what they draw from."""

import numpy as np
import pytest

from pellucid.config.training_checks import AUGMENTATION_KINDS, complete
from pellucid.errors import InputError
from pellucid.train import augmentation
from pellucid.train.augmentation import TRANSFORMATIONS, augment

STRENGTHS = {
    "jitter": 0.1,
    "shift": 3,
    "scale": 0.3,
    "time_warp": 0.5,
    "flip": "both",
    "rotation": 25,
    "brightness": 0.2,
}
SERIES, IMAGES = (16, 40, 2), (16, 9, 8, 3)


def settings(**chosen):
    return complete({"augmentation": chosen})["augmentation"]


def batch(shape, seed=0):
    return np.random.default_rng(seed).normal(2, 3, shape).astype(np.float32)


CASES = [(name, SERIES if kind == "series" else IMAGES) for name, kinds in AUGMENTATION_KINDS.items() for kind in kinds]


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_each_changes_a_copy_by_seed_epoch_and_batch_alone(name, shape):
    x = batch(shape)
    kept = x.copy()
    own = settings(**{name: STRENGTHS[name]})
    found = augment(x, own, 1, 2, 3)
    assert found.shape == x.shape
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(x, kept)
    np.testing.assert_array_equal(augment(x, own, 1, 2, 3), found)
    for other in ((2, 2, 3), (1, 1, 3), (1, 2, 2)):
        assert not np.array_equal(augment(x, own, *other), found)


@pytest.mark.parametrize(("name", "shape"), [case for case in CASES if case[0] != "flip"])
def test_no_strength_changes_nothing(name, shape):
    x = batch(shape)
    np.testing.assert_allclose(TRANSFORMATIONS[name](x, np.random.default_rng(0), 0), x, rtol=1e-5, atol=1e-5)


def test_a_further_one_leaves_the_draws_of_the_others_as_they_are():
    x = batch(SERIES)
    alone, both = augment(x, settings(shift=3), 1, 0, 0), augment(x, settings(shift=3, scale=0.3), 1, 0, 0)
    ratio = both / alone
    np.testing.assert_allclose(ratio, ratio[:, :1, :1] + np.zeros(SERIES), rtol=1e-4)


def test_scale_is_one_factor_an_example_between_its_limits(rng):
    factors = augmentation.scale(np.ones((4000, 2, 3), np.float32), rng, 0.25)
    assert np.ptp(factors, axis=(1, 2)).max() == 0
    assert 0.75 <= factors.min() < 0.76
    assert 1.24 < factors.max() <= 1.25


def test_brightness_is_one_number_an_image_between_shares_of_its_range(rng):
    x = batch((4000, 2, 2, 3))
    share = (augmentation.brightness(x, rng, 0.25) - x) / np.ptp(x, axis=(1, 2, 3), keepdims=True)
    assert np.ptp(share, axis=(1, 2, 3)).max() < 1e-5
    assert -0.2501 < share.min() < -0.24
    assert 0.24 < share.max() < 0.2501


def test_jitter_has_its_share_of_each_channels_spread(rng):
    x = batch((4, 20000, 2)) * np.array([1, 100], np.float32)
    noise = augmentation.jitter(x, rng, 0.1) - x
    np.testing.assert_allclose(noise.std(1), 0.1 * x.std(1), rtol=0.03)
    assert np.abs(noise.mean(1) / noise.std(1)).max() < 0.03


@pytest.mark.parametrize("shape", [(300, 11, 2), (300, 11, 12, 2)])
def test_shift_moves_whole_examples_and_repeats_the_edge(rng, shape):
    x = np.zeros(shape, np.float32)
    for axis in range(1, len(shape) - 1):
        # Each position holds its own number: 100 for a row, 1 for a column.
        place = [1] * len(shape)
        place[axis] = shape[axis]
        x = x + np.arange(shape[axis]).reshape(place) * 100 ** (axis - 1)
    found = augmentation.shift(x.astype(np.float32), rng, 3)
    for axis in range(1, len(shape) - 1):
        along = np.moveaxis(found, axis, 1).reshape(len(x), shape[axis], -1)[:, :, 0] // 100 ** (axis - 1) % 100
        moved = 5 - along[:, 5]
        assert set(moved.astype(int)) == set(range(-3, 4))
        expected = np.clip(np.arange(shape[axis]) - moved[:, None], 0, shape[axis] - 1)
        np.testing.assert_array_equal(along, expected)


def test_flip_mirrors_half_of_the_images_as_it_is_told(rng):
    x = batch((400, 5, 6, 1))
    for axes, mirrored in (("horizontal", [x, x[:, :, ::-1]]), ("vertical", [x, x[:, ::-1]])):
        found = augmentation.flip(x, rng, axes)
        same = [(found == one).all(axis=(1, 2, 3)) for one in mirrored]
        assert (same[0] | same[1]).all()
        assert 150 < same[0].sum() < 250
    both = augmentation.flip(x, rng, "both")
    four = [(both == x[:, ::down, ::right]).all(axis=(1, 2, 3)) for down in (1, -1) for right in (1, -1)]
    assert np.logical_or.reduce(four).all()
    assert min(one.sum() for one in four) > 60


class Turned:
    """A generator whose every angle is the one that is given."""

    def __init__(self, angle):
        self.angle = angle

    def uniform(self, low, high, size):
        return np.full(size, self.angle)


def test_rotation_by_a_right_angle_is_numpys():
    x = batch((3, 7, 7, 2))
    np.testing.assert_allclose(augmentation.rotation(x, Turned(90), 90), np.rot90(x, axes=(1, 2)), atol=1e-4)


def test_rotation_by_any_angle_is_scikit_images():
    from skimage.transform import rotate

    x = batch((2, 9, 12, 1))
    found = augmentation.rotation(x, Turned(17.0), 17)
    expected = np.stack([rotate(one, 17, order=1, mode="edge", preserve_range=True) for one in x])
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_time_warp_keeps_the_ends_and_the_order_of_time_and_bounds_its_speed(rng):
    time = np.arange(101, dtype=np.float32)
    found = augmentation.time_warp(np.tile(time[None, :, None], (200, 1, 2)), rng, 0.5)
    np.testing.assert_array_equal(found[..., 0], found[..., 1])
    speed = np.diff(found[..., 0], axis=1)
    np.testing.assert_allclose(found[:, [0, -1], 0], np.tile([0.0, 100.0], (200, 1)), atol=1e-4)
    # Speeds lie between 1 - s and 1 + s before all are brought to the same end.
    assert speed.min() > 0.5 / 1.5 - 1e-3
    assert speed.max() < 1.5 / 0.5 + 1e-3
    assert np.abs(found[..., 0] - time).max(1).min() > 0.5


def test_time_warp_interpolates_between_the_samples(rng):
    wave = np.sin(np.arange(400) / 20).astype(np.float32)
    both = np.stack([np.arange(400, dtype=np.float32), wave], axis=-1)
    place, found = np.moveaxis(augmentation.time_warp(both[None], rng, 0.7)[0], -1, 0)
    np.testing.assert_allclose(found, np.interp(place, np.arange(400), wave), atol=1e-4)


def test_batches_are_augmented_and_labels_and_weights_are_not(keras):
    class Given:
        epochs = ()
        x, y, w = batch(SERIES), np.arange(16), np.ones(16)

        def begin(self, epoch):
            self.epochs += (epoch,)

        def __len__(self):
            return 2

        def __getitem__(self, index):
            part = slice(index * 8, index * 8 + 8)
            return self.x[part], self.y[part], self.w[part]

        def measured(self, index):
            return None

    from pellucid.train.batches import AugmentedBatches

    given, own = Given(), settings(shift=3)
    found = AugmentedBatches(given, own, 5)
    found.begin(4)
    assert len(found) == 2
    assert given.epochs == (0, 4)
    x, y, w = found[1]
    np.testing.assert_array_equal(x, augment(given.x[8:], own, 5, 4, 1))
    np.testing.assert_array_equal(y, given.y[8:])
    np.testing.assert_array_equal(w, given.w[8:])


def test_a_shift_as_long_as_the_example_is_refused():
    augmentation.check(settings(shift=39), SERIES[1:])
    with pytest.raises(InputError, match="shift: found 40 for examples of shape 40 × 2; expected less than 40"):
        augmentation.check(settings(shift=40), SERIES[1:])


def test_every_augmentation_of_the_configuration_has_its_function_in_the_same_order():
    assert list(TRANSFORMATIONS) == list(AUGMENTATION_KINDS)
