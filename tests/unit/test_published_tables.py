"""What a benchmark keeps, what it counts, and the network of *state*."""

import numpy as np
import pytest

from tests.bench import kept, published, published_masks, published_tables, state
from tests.bench.state_run import OTHER_RUN, OTHER_SUMS


def test_a_part_that_was_measured_is_not_measured_again(tmp_path, monkeypatch):
    calls = []

    def measured():
        calls.append(1)
        return np.array([[0.5, np.nan]])

    def part(name="one"):
        return kept.part(name, ("kept.py",), measured, tmp_path)

    first, again = part(), part()
    assert len(calls) == 1
    np.testing.assert_array_equal(again.found, first.found)
    assert again.seconds == first.seconds
    part("another")
    assert len(calls) == 2
    # Other code may give other numbers.
    monkeypatch.setattr(kept, "_code", lambda files: "changed")
    part()
    assert len(calls) == 3


def test_a_part_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError):
        kept.part("one", (), lambda: np.array([1 / 0]), tmp_path)
    assert not list(tmp_path.iterdir())


def test_numbers_within_two_standard_errors_are_counted():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(20, 4))
    noise = (noise - noise.mean(0)) / noise.std(0, ddof=1)
    # The error of the difference of a mean of 20 folds and a published mean of 5 is half of the folds' deviation.
    error = np.sqrt(1 / published.FOLDS + 1 / 20)
    assert error == pytest.approx(0.5)
    numbers = (0.5, 0.5, 500, 500)
    scale = np.array([0.1, 0.1, 10, 10])
    away = np.array([1.9, -2.1, -1.9, 2.1])
    found = {"occlusion": np.array(numbers) + scale * (noise + away * error)}
    table = published_tables.Table("one", published.SCORES, (29,) * 4, {"occlusion": numbers}, found, {}, {})
    near, count, beyond = table.counted()
    assert (near, count) == (2, 4)
    assert beyond == [f"{published.SCORES[place]} of occlusion (one)" for place in (1, 3)]
    same = np.tile(state.PUBLISHED["LIME"], (4, 1))
    every = dict.fromkeys(state.PUBLISHED, same)
    table = published_tables.Table("state", state.SCORES, (29,) * 4, state.PUBLISHED, every, {}, {})
    first, beyond = published_tables.summary([table])
    # A method that has the numbers of LIME agrees where it has them in print, too.
    assert first.startswith("4 of 20 compared numbers (20%)")
    assert "AUROC of gradient SHAP (state)" in beyond and "LIME" not in beyond
    # Where the folds there are known, each side varies as its own folds do.
    run = np.array([[0.4], [0.6]])
    (row,) = published_tables.compared(np.array([[0.5], [0.7]]), (0.5,), run)
    assert row == pytest.approx((0.6, np.sqrt(0.02 / published.FOLDS + 0.02 / 2), 0.1 / np.sqrt(0.014)))
    # What they have in common does not become less by their number.
    (row,) = published_tables.compared(np.array([[0.5], [0.7]]), (0.5,), run, np.array([0.011]))
    assert row == pytest.approx((0.6, np.sqrt(0.025), 0.1 / np.sqrt(0.025)))


def test_every_published_number_of_a_table_has_a_row():
    for name, folds in published_tables.FOLDS.items():
        assert set(published.PUBLISHED[name]) == set(published.METHODS)
        assert set(folds) <= set(published_masks.PUBLISHED[name])
        assert min(folds.values()) > 1, "one fold has no error"
    assert set(state.PUBLISHED) == set(state.METHODS) == set(OTHER_RUN) == set(OTHER_SUMS)


def test_the_network_of_the_last_step_has_the_weights_of_the_one_of_every_step(keras):
    ending, every = state.network(None, every=False), state.network(7)
    every.set_weights(ending.get_weights())
    x = np.random.default_rng(1).normal(size=(3, 7, 3)).astype(np.float32)
    np.testing.assert_allclose(every(x)[:, -1], ending(x), atol=1e-5)
    limit = 1 / np.sqrt(state.UNITS)
    first = ending.get_weights()
    *gates, kernel, _ = (weights for weights in first if weights.std() > 0)
    for weights in (*gates, kernel):
        assert 0.9 * limit < np.abs(weights).max() <= limit
    # No two of them begin with the same numbers.
    assert not np.isclose(first[0].ravel()[:50], first[1].ravel()[:50]).any()


def test_a_training_moves_all_weights(keras):
    # Of series of one step, only the decay moves the weights of the last state.
    drawn = state.draw(state.BATCH, 1, np.random.default_rng(2))
    model = state.trained(drawn, 0, epochs=2)
    keras.utils.set_random_seed(0)
    before = state.network(None, every=False).get_weights()
    for start, end in zip(before, model.get_weights(), strict=True):
        assert not np.array_equal(start, end)
    # Adam moves a weight by about its rate in each of two updates.
    moved = np.abs(model.get_weights()[1] - before[1])
    assert moved.max() <= 2.1 * state.RATE


def test_each_map_of_a_set_is_scaled_by_its_own_largest_value():
    rng = np.random.default_rng(3)
    maps, truth = rng.random((10, 20, 3)).astype(np.float32), rng.random((10, 20, 3)) < 1 / 3
    found = state.scores(maps, truth)
    assert len(found) == len(state.SCORES) + len(state.SUMS)
    scale = rng.uniform(1, 9, (10, 1, 1)).astype(np.float32)
    # The largest values of the maps are nearly equal, and their order decides the last digits.
    np.testing.assert_allclose(state.scores(maps * scale, truth), found, rtol=0.03)
    # Strengths of 1 in one map and of 9 in the other are both the largest: recall falls from 1 at 0 to 2/3 there.
    two = np.array([[[1, 0]], [[9, 0]]], np.float32)
    assert state.scores(two, np.array([[[1, 1]], [[1, 0]]]) > 0)[1] == pytest.approx(5 / 6, abs=1e-4)
    # The network's folds share no test series; the variance within a fold is that between sets.
    values = rng.normal(size=(50, 2, 8, 4)) + 10 * rng.normal(size=(50, 2, 1, 4))
    np.testing.assert_allclose(state.of_set(values), np.ones((2, 4)), atol=0.3)
