"""RISE against its expectation for a linear model, the paper's equation done mask by mask, and xplique."""

import importlib.util
import sys
from unittest.mock import MagicMock

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.explain.rise import explain, smooth
from pellucid.network.explained_model import ExplainedModel
from tests.support.logits import logits_copy


def random_masks(rng, axes, cells, count, keep=0.5):
    width = [-(-length // side) for length, side in zip(axes, cells, strict=True)]
    grids = rng.random((count, *cells, 1)) < keep
    return smooth(grids, np.stack([rng.integers(size, size=count) for size in width], 1), axes)[..., 0]


@pytest.mark.parametrize("centred", [True, False])
def test_of_a_linear_model_it_is_the_masks_covariance_times_the_weights(linear, rng, centred):
    """Equation 6 in closed form: b + w·x p + cov(mask, mask) (w x) / p, within four standard errors."""
    model, weights, bias = linear
    inputs, targets = rng.normal(size=(3, 12, 3)).astype(np.float32), np.array([0, 2, 3])
    count = 20000
    found = explain(ExplainedModel(model), inputs, targets, rng, masks=count, cells=4, centred=centred)[..., 0]
    masks = random_masks(np.random.default_rng(99), (12,), (4,), 400_000).astype(float)
    covariance = np.cov(masks.T)
    for one, target, ours in zip(inputs, targets, found, strict=True):
        effect = (one * weights[..., target]).sum(1)
        expected = covariance @ effect / 0.5
        sample = (
            (masks[:5000] - 0.5 * centred) * (masks[:5000] @ effect + (0 if centred else bias[target]))[:, None] / 0.5
        )
        if not centred:
            expected = expected + bias[target] + 0.5 * effect.sum()
        error = sample.std(0) / np.sqrt(count)
        assert (np.abs(ours - expected) < 4 * error + 2e-3 * np.abs(expected).max()).all()


def test_is_equation_6_done_mask_by_mask(heartbeat, rng):
    model = ExplainedModel(heartbeat)
    inputs, targets = rng.random((2, 186, 1), np.float32), np.array([1, 4])
    found = explain(model, inputs, targets, np.random.default_rng(8), masks=60, cells=6, keep=0.3, centred=False)
    again = np.random.default_rng(8)
    grids = again.random((60, 6, 1)) < 0.3
    shifts = again.integers(31, size=60)
    total = np.zeros((2, 186))
    for grid, shift in zip(grids[..., 0], shifts, strict=True):
        # 6 cells over 7 × 31 samples; the value of a cell belongs to its centre.
        at = np.arange(shift, shift + 186) + 0.5
        mask = np.interp(at, (np.arange(6) + 0.5) * 7 * 31 / 6, grid.astype(float))
        total += model.logits((inputs * mask[:, None]).astype(np.float32))[np.arange(2), targets][:, None] * mask
    np.testing.assert_allclose(found[..., 0], total / (60 * 0.3), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("axes", "cells"),
    [((186,), (12,)), ((300,), (20,)), ((8, 8), (4, 4)), ((28, 28), (7, 7)), ((30, 17), (7, 5)), ((5,), (5,))],
)
def test_masks_are_kept_with_the_same_probability_everywhere(axes, cells, rng):
    masks = random_masks(rng, axes, cells, 4000, keep=0.3)
    assert masks.shape == (4000, *axes)
    assert masks.min() >= 0
    assert masks.max() <= 1
    # Five standard errors of a value that is 0 or 1.
    assert np.abs(masks.mean(0) - 0.3).max() < 5 * np.sqrt(0.3 * 0.7 / 4000)


def test_two_axes_are_interpolated_as_tensorflow_does(keras, rng):
    import tensorflow as tf

    grids, shifts = rng.random((6, 4, 3, 1)) < 0.5, np.stack([rng.integers(5, size=6), rng.integers(9, size=6)], 1)
    wide = tf.image.resize(grids.astype(np.float32), (25, 36)).numpy()
    expected = [one[top : top + 20, left : left + 25] for one, (top, left) in zip(wide, shifts, strict=True)]
    np.testing.assert_allclose(smooth(grids, shifts, (20, 25)), expected, atol=1e-6)


@pytest.mark.slow
def test_agrees_with_xplique_up_to_chance(keras, digit, rng, monkeypatch):
    # It imports these for methods that are not asked for here.
    for unused in ("cv2", "einops", "tensorflow_probability"):
        if importlib.util.find_spec(unused) is None:
            monkeypatch.setitem(sys.modules, unused, MagicMock())
    attributions = pytest.importorskip("xplique.attributions", reason="the peer is optional")
    inputs, targets = rng.random((2, 8, 8, 1), np.float32), np.array([1, 6])
    keras.utils.set_random_seed(0)
    # A batch of its masks shares one shift: small batches bring the shifts that the paper asks for.
    peer = attributions.Rise(logits_copy(digit), nb_samples=16000, grid_size=4, batch_size=16)
    theirs = np.array(peer.explain(inputs, keras.utils.to_categorical(targets, 10))).reshape(2, 64)
    ours = explain(ExplainedModel(digit), inputs, targets, rng, masks=16000, cells=4).reshape(2, 64)
    for one, other in zip(ours, theirs, strict=True):
        assert np.corrcoef(one, other)[0, 1] > 0.97
        assert np.abs(one - (other - other.mean() + one.mean())).max() < 0.2 * np.ptp(one)


def test_centring_keeps_the_map_and_makes_it_steadier(heartbeat, rng):
    inputs, targets = rng.random((1, 186, 1), np.float32), np.array([0])
    model = ExplainedModel(heartbeat)

    def spread(centred):
        maps = [
            explain(model, inputs, targets, np.random.default_rng(seed), masks=300, centred=centred)[0, :, 0]
            for seed in range(6)
        ]
        return np.std([one - one.mean() for one in maps], axis=0).mean(), np.mean(maps, axis=0)

    (steady, centred), (plain, whole) = spread(True), spread(False)
    assert steady < 0.7 * plain
    # What is taken away is a constant, up to the noise.
    assert np.std(whole - centred) < 4 * plain / np.sqrt(6)


def test_channels_each_finds_the_channel_that_matters(keras, rng):
    model = keras.Sequential([keras.layers.Input((40, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    weights = np.zeros((40, 3, 2), np.float32)
    weights[10:20, 1, 0] = 1
    model.layers[-1].set_weights([weights.reshape(120, 2), np.zeros(2, np.float32)])
    inputs, targets = np.ones((1, 40, 3), np.float32), np.array([0])
    found = explain(ExplainedModel(model), inputs, targets, rng, channels="each", masks=2000)[0]
    assert found[12:18, 1].min() > 4 * np.abs(found[:, [0, 2]]).max()
    together = explain(ExplainedModel(model), inputs, targets, rng, masks=2000)[0]
    assert (together == together[:, :1]).all()


def test_one_pass_per_mask(heartbeat, rng):
    model = ExplainedModel(heartbeat)
    explain(model, rng.random((3, 186, 1), np.float32), np.arange(3), rng, masks=70)
    assert model.forward_passes == 3 * 70


def test_cells_that_do_not_fit_are_refused(heartbeat, rng):
    inputs, targets = rng.random((1, 186, 1), np.float32), np.array([0])
    with pytest.raises(InputError, match="rise.cells: found 187 on axis 0; expected at most the input's 186"):
        explain(ExplainedModel(heartbeat), inputs, targets, rng, cells=187)
    with pytest.raises(InputError, match="rise.cells: found 2 numbers; expected one, or one for each of 1 axes"):
        explain(ExplainedModel(heartbeat), inputs, targets, rng, cells=[3, 3])
