"""The parts of a rescaled map, and the series of InterpretTime."""

import numpy as np
import pytest

from tests.bench import published_interprettime as interprettime
from tests.bench import rescaling_cause

SIDE = 4


@pytest.fixture(scope="module")
def model(keras):
    keras.utils.set_random_seed(3)
    layers = keras.layers
    hidden = inputs = keras.Input((SIDE, SIDE))
    hidden = layers.Conv1D(6, 2, activation="relu")(hidden)
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(layers.GlobalMaxPooling1D()(hidden)))


def test_both_parts_of_the_changes_make_the_rescaled_map(model):
    import pellucid

    x = np.random.default_rng(4).random((SIDE, SIDE), np.float32)
    steps, changes = rescaling_cause.changes(model, x, 1)
    assert (changes.own >= 0).all() and (changes.others > 0).any()
    found = rescaling_cause.rescaled(steps, changes.own + changes.others)
    expected = pellucid.explain(
        model, x[np.newaxis], "temporal_saliency_rescaling", of="gradient_input", target=np.array([1])
    )
    np.testing.assert_allclose(found, expected.attributions[0], atol=1e-4)
    # Gradient × input is zero at a covered value, so that the change there is what the map had.
    before = rescaling_cause.gradient_input(model, x[np.newaxis], 1)[0]
    np.testing.assert_allclose(changes.own, np.abs(before), atol=1e-5)


def test_the_series_of_interprettime_are_the_published_ones():
    drawn = interprettime.draw(300, np.random.default_rng(0))
    assert drawn.x.shape == (300, 500, 6)
    assert (drawn.truth.sum((1, 2)) == 200).all() and (drawn.truth.any(1).sum(1) == 2).all()
    assert 0.35 < drawn.y.mean() < 0.6
    # Without the slow wave, fitted where a feature has no support, a sine that begins with the support is left.
    turns = np.linspace(0, 2 * np.pi, 500)
    for x, y, truth in zip(drawn.x[:20], drawn.y[:20], drawn.truth[:20], strict=True):
        speeds = []
        for feature in np.flatnonzero(truth.any(0)):
            inside = truth[:, feature]
            waves = [0.5 * np.sin(base * turns) for base in range(2, 6)]
            wave = min(waves, key=lambda each: np.abs(x[~inside, feature] - each[~inside]).max())
            np.testing.assert_allclose(x[~inside, feature], wave[~inside], atol=1e-5)
            support = x[inside, feature] - wave[inside]
            fits = [np.abs(support - np.sin(speed * turns[:100])).max() for speed in range(10, 51)]
            assert min(fits) < 1e-4
            speeds.append(10 + int(np.argmin(fits)))
        # The median of the sum of two numbers from 10 to 50 is 60.
        assert y == (sum(speeds) > 60) or abs(sum(speeds) - 60) <= 1


def test_the_strongest_values_of_positive_attribution_are_replaced():
    rng = np.random.default_rng(1)
    maps = rng.normal(size=(2, 50, 6)).astype(np.float32)
    x = np.full(maps.shape, 100, np.float32)
    for strongest in (True, False):
        changed, gone = interprettime.replaced(x, maps, 0.25, strongest, rng)
        assert ((changed < 50) == gone).all() and (maps[gone] >= 0).all()
        for each, where in zip(maps, gone, strict=True):
            rest = each[~where & (each >= 0)]
            assert (each[where].min() > rest.max()) if strongest else (each[where].max() < rest.min())
            assert where.sum() == pytest.approx(0.25 * (each >= 0).sum(), abs=1)
    assert interprettime.area(np.array([0.25, 0.5, 1.0]), np.array([0.25, 0.5, 1.0])) == pytest.approx(0.5)
    # Of points that are one on the axis the last one counts.
    assert interprettime.area(np.array([0.5, 0.505, 1.0]), np.array([9, 0.505, 1.0])) == pytest.approx(0.5, abs=0.01)
