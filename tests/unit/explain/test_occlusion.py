"""Occlusion against a closed form and against the one-prediction-per-position loop of SignalScreen's ECG example."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.explain.occlusion import explain, starts, windows
from pellucid.explain.shared import baselines
from pellucid.network.explained_model import ExplainedModel
from tests.support.logits import logits_copy


def test_window_of_one_is_weight_times_value_of_a_linear_model(linear, rng):
    model, weights, _ = linear
    inputs, targets = rng.normal(size=(4, 12, 3)).astype(np.float32), np.arange(4)
    found = explain(ExplainedModel(model), inputs, targets, rng, window=1)
    np.testing.assert_allclose(found, inputs * np.moveaxis(weights, -1, 0), atol=1e-5)


def test_wide_windows_average_the_drops_that_cover_a_value(linear, rng):
    model, weights, _ = linear
    inputs, targets = rng.normal(size=(1, 12, 3)).astype(np.float32), np.array([2])
    found = explain(ExplainedModel(model), inputs, targets, rng, window=4, stride=3, channels="together")
    product = (inputs[0] * weights[..., 2]).sum(1)
    # Windows begin at 0, 3, 6 and, flush with the end, at 8.
    drops = {start: product[start : start + 4].sum() for start in (0, 3, 6, 8)}
    expected = [np.mean([drop for start, drop in drops.items() if start <= t < start + 4]) for t in range(12)]
    np.testing.assert_allclose(found[0], np.repeat(np.array(expected)[:, None], 3, 1), atol=1e-5)


def test_is_the_articles_occlusion_computed_position_by_position(heartbeat, rng):
    """Zeros over 15 samples, one forward pass of Keras per position, in float64 sums."""
    inputs, targets = rng.random((5, 186, 1), np.float32), np.arange(5)
    logits = logits_copy(heartbeat)
    whole = logits(inputs).numpy()[np.arange(5), targets]
    total, count = np.zeros((5, 186)), np.zeros(186)
    for start in range(186 - 15 + 1):
        covered = inputs.copy()
        covered[:, start : start + 15] = 0
        drop = whole - logits(covered).numpy()[np.arange(5), targets]
        total[:, start : start + 15] += drop[:, None]
        count[start : start + 15] += 1
    expected = total / count
    found = explain(ExplainedModel(heartbeat), inputs, targets, rng, window=15)[..., 0]
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(("length", "size", "stride"), [(186, 15, 1), (10, 4, 3), (10, 10, 1), (28, 5, 4), (7, 2, 2)])
def test_every_position_is_covered(length, size, stride):
    covered = np.zeros(length, int)
    for start in starts(length, size, stride):
        assert 0 <= start <= length - size
        covered[start : start + size] += 1
    assert (covered > 0).all()


def test_images_take_windows_per_axis(rng, digit):
    inputs, targets = rng.random((2, 8, 8, 1), np.float32), np.array([1, 2])
    found = explain(ExplainedModel(digit), inputs, targets, rng, window=[8, 1], stride=[1, 1])
    # A window as tall as the image covers whole columns: one value per column.
    np.testing.assert_allclose(found, np.broadcast_to(found[:, :1], found.shape), atol=1e-6)
    assert np.ptp(found) > 0
    assert len(windows((8, 8, 1), (3, 5), (2, 3), "each")) == 4 * 2


def test_mean_baseline_of_a_constant_input_changes_nothing(heartbeat, rng):
    inputs = np.full((2, 186, 1), 0.4, np.float32)
    found = explain(ExplainedModel(heartbeat), inputs, np.array([0, 1]), rng, baseline="mean")
    np.testing.assert_allclose(found, 0, atol=1e-4)


def test_mean_baseline_is_the_examples_own_channel_mean(linear, rng):
    model, weights, _ = linear
    inputs, targets = rng.normal(size=(3, 12, 3)).astype(np.float32), np.array([0, 1, 2])
    found = explain(ExplainedModel(model), inputs, targets, rng, window=1, baseline="mean")
    away = inputs - inputs.mean(1, keepdims=True)
    np.testing.assert_allclose(found, away * np.moveaxis(weights[..., targets], -1, 0), atol=1e-5)


def test_baselines_of_small_changes_on_a_large_offset_lie_among_them(rng):
    # In float32 the sum of 5,000 such values is off by more than all of their changes.
    raw = (1e6 + rng.normal(size=(2, 5_000, 2))).astype(np.float32)
    exact = raw.astype(np.float64)
    np.testing.assert_allclose(baselines.baseline(raw, "mean", rng)[:, 0], exact.mean(1), atol=0.05)
    noise = baselines.baseline(raw, "noise", rng).astype(np.float64)
    np.testing.assert_allclose(noise.mean(1), exact.mean(1), atol=0.1)
    np.testing.assert_allclose(noise.std(1), exact.std(1), rtol=0.1)


def test_noise_is_drawn_from_the_generator(heartbeat, rng):
    inputs, targets = rng.random((2, 186, 1), np.float32), np.array([0, 1])
    one, same, other = (
        explain(ExplainedModel(heartbeat), inputs, targets, np.random.default_rng(seed), baseline="noise")
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


def test_shuffled_puts_another_value_of_the_channel_in_every_place(linear):
    model, weights, _ = linear
    inputs = np.random.default_rng(1).normal(size=(3, 12, 3)).astype(np.float32)
    targets = np.array([0, 1, 2])
    away = []
    for seed in (4, 4, 5):
        found = explain(
            ExplainedModel(model), inputs, targets, np.random.default_rng(seed), window=1, baseline="shuffled"
        )
        away.append(inputs - found / np.moveaxis(weights[..., targets], -1, 0))
    np.testing.assert_array_equal(away[0], away[1])
    assert not np.allclose(away[0], away[2])
    # What was put there are the values of the same example and channel, in one order for all examples.
    np.testing.assert_allclose(np.sort(away[0], 1), np.sort(inputs, 1), atol=1e-3)
    nearest = np.abs(away[0][:, :, np.newaxis] - inputs[:, np.newaxis]).argmin(2)
    assert (nearest == nearest[:1]).all()
    assert (nearest != np.arange(12)[:, np.newaxis]).all()


def test_channels_together_covers_all_at_once(linear, rng):
    model, _, _ = linear
    explained_model = ExplainedModel(model)
    inputs, targets = rng.normal(size=(2, 12, 3)).astype(np.float32), np.array([0, 1])
    each = explain(explained_model, inputs, targets, rng, window=2)
    together = explain(explained_model, inputs, targets, rng, window=2, channels="together")
    # For a linear model, covering all channels drops the logit by the sum over the channels.
    np.testing.assert_allclose(together[..., 0], each.sum(-1), atol=1e-5)


@pytest.mark.parametrize("memory_mb", [1, 1024])
def test_more_inputs_than_a_batch_holds(heartbeat, memory_mb, rng):
    inputs, targets = rng.random((9, 186, 1), np.float32), np.arange(9) % 5
    small = explain(ExplainedModel(heartbeat, batch_size=4), inputs, targets, rng, stride=15)
    np.testing.assert_allclose(
        small, explain(ExplainedModel(heartbeat, memory_mb=memory_mb), inputs, targets, rng, stride=15), atol=1e-5
    )


def test_passes_are_one_per_window_and_one_for_the_whole(heartbeat, rng):
    model = ExplainedModel(heartbeat)
    explain(model, rng.random((5, 186, 1), np.float32), np.arange(5), rng, window=15)
    assert model.forward_passes == 5 * (186 - 15 + 1) + 5


def test_a_window_larger_than_the_input_is_refused(heartbeat, rng):
    with pytest.raises(InputError, match=r"occlusion.window: found 187 on axis 0; expected at most the input's 186"):
        explain(ExplainedModel(heartbeat), rng.random((1, 186, 1), np.float32), np.array([0]), rng, window=187)


def test_one_size_per_axis_or_one_for_all(heartbeat, rng):
    with pytest.raises(InputError, match="occlusion.window: found 2 numbers"):
        explain(ExplainedModel(heartbeat), rng.random((1, 186, 1), np.float32), np.array([0]), rng, window=[3, 3])


def test_a_stride_that_leaves_gaps_is_refused(heartbeat, rng):
    with pytest.raises(InputError, match=r"occlusion.stride: found 16; expected at most 15, the window's size"):
        explain(ExplainedModel(heartbeat), rng.random((1, 186, 1), np.float32), np.array([0]), rng, stride=16)
