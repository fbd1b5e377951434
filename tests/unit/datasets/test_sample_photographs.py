"""Crops of photographs against the photographs themselves."""

import numpy as np
import pytest

from pellucid.datasets import sample_photographs as source
from pellucid.errors import InputError


@pytest.fixture(scope="module")
def photographs():
    from sklearn.datasets import load_sample_image

    return [load_sample_image(name) for name in ("china.jpg", "flower.jpg")]


def load(seed=0, **parameters):
    return source.load({}, np.random.default_rng(seed), **parameters)


def places(crop, photograph):
    """The columns at which a crop lies in a photograph, wherever its first row is."""
    size = len(crop)
    first = np.lib.stride_tricks.sliding_window_view(photograph, (1, size), axis=(0, 1))[..., 0, :]
    rows, columns = np.nonzero((first == np.moveaxis(crop[0], -1, 0)).all((-2, -1)))
    return [
        column
        for row, column in zip(rows, columns, strict=True)
        if np.array_equal(photograph[row : row + size, column : column + size], crop)
    ]


@pytest.mark.parametrize(("size", "border"), [(64, 384), (300, 340)])
def test_every_crop_lies_in_its_own_photograph_on_its_own_side(photographs, size, border):
    raw = load(size=size, train_per_class=3, test_per_class=3)
    for examples, allowed in ((raw.test, range(border - size + 1)), (raw.train, range(border, 640 - size + 1))):
        assert examples.x.shape == (6, size, size, 3)
        assert examples.y.tolist() == [0, 0, 0, 1, 1, 1]
        for x, label in zip(examples.x, examples.y, strict=True):
            found = places(np.rint(x * 255).astype(np.uint8), photographs[label])
            assert found
            assert all(column in allowed for column in found)


def test_values_are_intensities_from_0_to_1_and_crops_differ():
    raw = load(size=32, train_per_class=30)
    assert raw.classes == ("china", "flower")
    assert raw.channels == ("red", "green", "blue")
    assert raw.train.x.dtype == np.float32
    assert 0 <= raw.train.x.min() < 0.05
    assert 0.95 < raw.train.x.max() <= 1
    assert len(np.unique(raw.train.x.reshape(60, -1), axis=0)) == 60


def test_same_generator_same_crops_and_another_one_others():
    one, same, other = load(3, size=16), load(3, size=16), load(4, size=16)
    np.testing.assert_array_equal(one.train.x, same.train.x)
    assert not np.array_equal(one.train.x, other.train.x)


def test_all_places_can_be_used_and_not_one_more():
    # 320 pixels leave 108 rows and one column in each half.
    assert len(load(size=320, train_per_class=2, test_per_class=108).test.x) == 216
    with pytest.raises(InputError, match="sample_photographs.test_per_class: found 109 crops of 320.*at most 108"):
        load(size=320, test_per_class=109)
