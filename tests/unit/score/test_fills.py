"""What takes the place of removed values, against NumPy's interpolation and the definitions."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.score.base import ScoreContext
from pellucid.score.shared.fills import fills


def case_of(shape, number=4):
    rng = np.random.default_rng(0)
    return ScoreContext(
        data_info={},
        inputs=rng.normal(size=(number, *shape)).astype(np.float32),
        targets=np.arange(number) % 3,
        labels=np.arange(number) % 3,
        training=rng.normal(size=(9, *shape)).astype(np.float32),
        training_labels=np.arange(9) % 3,
    )


def made(case, kind, removed, seed=5):
    return fills(case, [kind], np.random.default_rng(seed))[kind](slice(0, len(case.inputs)), removed)


@pytest.mark.parametrize("channels", [1, 3])
def test_linear_is_numpys_interpolation(channels):
    case = case_of((20, 3))
    removed = np.random.default_rng(1).random((6, 4, 20, channels)) < 0.6
    found = made(case, "linear", removed)
    whole, time = np.broadcast_to(removed, found.shape), np.arange(20)
    for copy, row, channel in np.ndindex(6, 4, 3):
        stays, series = ~whole[copy, row, :, channel], case.inputs[row, :, channel]
        expected = np.interp(time, time[stays], series[stays])
        np.testing.assert_allclose(found[copy, row, :, channel], expected, atol=1e-5)


def test_linear_with_nothing_left_is_the_mean_of_the_channel():
    case = case_of((20, 3))
    found = made(case, "linear", np.ones((1, 4, 20, 1), bool))
    np.testing.assert_allclose(found[0], np.broadcast_to(case.inputs.mean(1, keepdims=True), (4, 20, 3)), atol=1e-6)


@pytest.mark.parametrize("kind", ["zero", "mean", "noise", "linear", "other"])
def test_what_stays_is_as_it_was(kind):
    case = case_of((20, 3))
    removed = np.random.default_rng(1).random((6, 4, 20, 3)) < 0.5
    found = made(case, kind, removed)
    assert found.dtype == np.float32
    expected = np.broadcast_to(case.inputs, found.shape)
    np.testing.assert_array_equal(found[~removed], expected[~removed])
    assert not np.array_equal(found[removed], expected[removed])


def test_zero_and_mean():
    case, everything = case_of((20, 3)), np.ones((1, 4, 20, 1), bool)
    np.testing.assert_array_equal(made(case, "zero", everything), 0)
    means = np.broadcast_to(case.inputs.mean(1, keepdims=True), (1, 4, 20, 3))
    np.testing.assert_allclose(made(case, "mean", everything), means, atol=1e-6)


def test_other_is_a_training_example_of_another_class():
    case, everything = case_of((20, 3)), np.ones((1, 4, 20, 1), bool)
    drawn = set()
    for seed in range(40):
        found = made(case, "other", everything, seed)[0]
        for x, target in zip(found, case.targets, strict=True):
            (which,) = np.flatnonzero((case.training == x).all((1, 2)))
            assert case.training_labels[which] != target
            drawn.add(int(which))
    assert len(drawn) == 9


@pytest.mark.parametrize("kind", ["noise", "other"])
def test_what_is_drawn_for_an_example_is_its_own(kind):
    case, everything = case_of((20, 3)), np.ones((1, 4, 20, 1), bool)
    whole = made(case, kind, everything)
    alone = replace(case, inputs=case.inputs[2:3], targets=case.targets[2:3])
    np.testing.assert_array_equal(made(alone, kind, everything[:, :1]), whole[:, 2:3])
    with_others = fills(case, ["zero", "mean", "other", "noise"], np.random.default_rng(5))[kind]
    np.testing.assert_array_equal(with_others(slice(0, 4), everything), whole)


def test_linear_is_left_out_for_images(caplog):
    with caplog.at_level(logging.INFO):
        found = fills(case_of((6, 5, 1)), ["zero", "linear"], np.random.default_rng(0))
    assert list(found) == ["zero"]
    assert "baseline linear: left out" in caplog.text


def test_linear_alone_does_not_do_for_images():
    with pytest.raises(InputError, match="baselines: found linear alone, for images"):
        fills(case_of((6, 5, 1)), ["linear"], np.random.default_rng(0))


def test_another_class_must_exist():
    case = replace(case_of((20, 3)), training_labels=np.ones(9, int))
    with pytest.raises(InputError, match="baselines.other: all training examples are of class 1"):
        fills(case, ["other"], np.random.default_rng(0))
