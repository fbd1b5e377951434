"""The published tables: the process, the scores, and the methods' closed forms on the sum of squares."""

from functools import partial

import numpy as np
import pytest

from pellucid.explain.shared import masks
from pellucid.network.runtime import start
from pellucid.score.precision_recall import areas_of
from tests.bench import freqrise, published, published_masks, state
from tests.bench.published import PUBLISHED, SCORES, cut_areas, evidence, measured, scores, series
from tests.bench.published_tables import compared


def closed_form(method, x, truth, seed):
    """Integrated gradients and occlusion of the sum of x² over the evidence."""
    mean = x.mean(1, keepdims=True) if method == "occlusion" else 0
    return truth * (x**2 - mean**2)


@pytest.fixture(scope="module")
def drawn(keras):
    rng = np.random.default_rng(2)
    x = series(4, rng)
    return x, np.concatenate([evidence(table, 2, rng) for table in PUBLISHED])


@pytest.mark.parametrize("method", ["integrated gradients", "occlusion"])
def test_the_package_gives_the_closed_form(drawn, method):
    found = published.attributions(method, *drawn, 0)
    np.testing.assert_allclose(found, closed_form(method, *drawn, 0), atol=1e-4)


def test_permutation_puts_another_value_of_the_feature_or_gives_nothing(drawn):
    x, truth = drawn
    found = published.attributions("permutation", *drawn, 0)
    assert not found[~truth].any()
    kept = published.stays(len(x), np.random.default_rng([1, 0]))
    np.testing.assert_array_equal(found[truth & kept], 0)
    # x² - (another value of the feature)²
    squares = (x**2 - found)[:, :, np.newaxis]
    distance = np.abs(squares - x[:, np.newaxis] ** 2)
    own = np.eye(x.shape[1], dtype=bool)[..., np.newaxis]
    assert (np.where(own, np.inf, distance).min(2)[truth & ~kept] < 1e-4).all()
    assert 0.01 < kept.mean() < 0.03


def test_the_process_has_the_published_weights():
    x = series(200, np.random.default_rng(0)).astype(np.float64)
    # 2 y_t + 0.5 y_{t-1} + 0.2 y_{t-2} + 0.1 y_{t-3} = 2 e_t, with e_t of variance 1 and independent of the past.
    shocks = x[:, 3:] + 0.25 * x[:, 2:-1] + 0.1 * x[:, 1:-2] + 0.05 * x[:, :-3]
    assert shocks.var() == pytest.approx(1, abs=0.01)
    for lag in (1, 2, 3):
        assert (shocks * x[:, 3 - lag : -lag]).mean() == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("table", PUBLISHED)
def test_each_series_has_125_values_of_evidence(table):
    truth = evidence(table, 20, np.random.default_rng(0))
    along = {"rare feature": (1, 25), "rare time": (2, 5)}[table]
    assert (truth.sum((1, 2)) == 125).all()
    counts = truth.sum(1)
    assert set(np.unique(counts)) == {0, along[1]}
    assert len({one.tobytes() for one in truth}) > 5


def test_scores_are_those_of_their_definitions():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    maps, truth = rng.normal(size=(3, 50, 20)), rng.random((3, 50, 20)) < 0.3
    size = np.abs(maps)
    low, high = size.min((1, 2), keepdims=True), size.max((1, 2), keepdims=True)
    scaled = (size - low) / (high - low)
    # Without the largest value of a map: its information is infinite but for what is added in the logarithm.
    truth &= (scaled > 0) & (scaled < 1)
    scaled, inside = scaled.ravel(), scaled[truth]
    _, recall, information, entropy = scores(maps, truth)
    # The area under recall is the mean strength of the evidence.
    assert recall == pytest.approx(inside.mean(), abs=2e-3)
    assert information == pytest.approx(-np.log2(1 - inside).sum(), rel=1e-3)
    by_hand = -(inside * np.log2(inside) + (1 - inside) * np.log2(1 - inside)).sum()
    assert entropy == pytest.approx(by_hand, rel=1e-3)
    # The repository's trapezoids between thresholds, and the steps here, are two sums of the same area.
    exact = areas_of(scaled, truth.ravel())
    curve = metrics.precision_recall_curve(truth.ravel(), scaled)
    for found, values in zip(exact, curve[:2], strict=True):
        assert found == pytest.approx(metrics.auc(curve[2], values[:-1]), abs=2e-3)


def test_areas_as_published_lack_what_lies_below_the_weakest_evidence():
    rng = np.random.default_rng(0)
    truth = rng.random(4000) < 0.4
    size = np.where(truth, rng.uniform(0.2, 1, 4000), rng.uniform(0, 1, 4000))
    whole = areas_of(size, truth)
    precision, recall = cut_areas(size, truth)
    # Recall is 1 up to 0.2, and precision rises from 0.4 to 0.4 / (0.4 + 0.8 * 0.6) there.
    assert recall == pytest.approx(whole[1] - 0.2, abs=5e-3)
    assert precision == pytest.approx(whole[0] - 0.2 * 0.427, abs=5e-3)
    # Where some evidence has no strength, nothing is cut off.
    size[np.flatnonzero(truth)[0]] = 0
    np.testing.assert_allclose(cut_areas(size, truth), areas_of(size, truth), atol=2e-3)


@pytest.mark.parametrize("table", PUBLISHED)
def test_the_closed_forms_have_the_published_scores(table):
    found = measured(table, explained=closed_form)
    for method in ("integrated gradients", "occlusion"):
        for score, (_, _, away) in zip(SCORES, compared(found[method], PUBLISHED[table][method]), strict=True):
            assert abs(away) <= 2, (method, score)


def test_a_number_that_is_not_the_published_one_is_seen():
    (found, *_) = measured("rare time", 2, closed_form).values()
    # x² without the root of its scale: |x| is another map.
    other = measured("rare time", 2, lambda *drawn: np.sqrt(np.abs(closed_form(*drawn))))["integrated gradients"]
    published_ones = PUBLISHED["rare time"]["integrated gradients"]
    assert max(abs(away) for *_, away in compared(other, published_ones)) > 10
    assert compared(np.full((5, 1), 0.9), (1.0,))[0][2] == -np.inf
    assert compared(np.full((5, 1), 0.9996), (1.0,))[0][2] == 0
    assert len(found) == 10


def test_the_published_penalty_keeps_the_last_of_equal_values(keras):
    tf_ = start()
    mask = tf_.constant([[0.5] * 5, [0.1, 0.9, 0.3, 0.2, 0.8]])
    kept, free = tf_.constant([2.0, 2.0]), tf_.ones((2, 5))
    with tf_.GradientTape() as tape:
        tape.watch(mask)
        penalty = published_masks.area_in_order(tf_, mask, kept, free)
    np.testing.assert_allclose(penalty, [0.25, (0.01 + 0.01 + 0.09 + 0.04 + 0.04) / 5], rtol=1e-5)
    rising = tape.gradient(penalty, mask).numpy() < 0
    np.testing.assert_array_equal(rising, [[False, False, False, True, True], [False, True, False, False, True]])
    # Without equal values it is the penalty here.
    np.testing.assert_allclose(penalty[1], masks.area_penalty(tf_, mask, kept, free)[1], rtol=1e-5)


def test_the_published_network_is_one_for_all_examples_and_stays_one(keras, rng):
    tf_ = start()
    made = published_masks.SharedRecurrent(3)
    weights = {name: tf_.repeat(each[np.newaxis], 2, 0) for name, each in made.start(rng).items()}
    x = tf_.constant(rng.normal(size=(2, 4, 3)), tf_.float32)
    with tf_.GradientTape() as tape:
        tape.watch(weights)
        out = made.applied(tf_, x, weights)
        loss = tf_.reduce_sum(tf_.square(out), (1, 2))
    for name, gradient in tape.gradient(loss, weights).items():
        assert np.abs(gradient).max() > 0, name
        np.testing.assert_allclose(gradient[0], gradient[1], atol=1e-6)
    # A state of length 1 through the linear layer.
    kernel, bias = weights["out"][0], weights["out_bias"][0]
    assert np.linalg.norm(out - bias, axis=2).max() <= np.linalg.norm(kernel, 2) + 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("table", PUBLISHED)
def test_masks_find_no_less_of_the_evidence_than_published(keras, table, monkeypatch):
    # A mask is nearly 0 or 1: trapezoids between so few strengths would halve its precision.
    monkeypatch.setattr(published, "scores", partial(published.scores, whole=True))
    precision, recall, information, entropy = published_masks.measured(table, "Dynamask", 1)[0]
    others = published_masks.PUBLISHED[table]["Dynamask"]
    assert precision > others[0]
    assert recall > others[1]
    assert information > others[2]
    assert entropy < others[3]


@pytest.mark.slow
@pytest.mark.parametrize("table", PUBLISHED)
def test_the_package_has_the_published_scores(keras, table):
    for method, found in measured(table).items():
        for score, (_, _, away) in zip(SCORES, compared(found, PUBLISHED[table][method]), strict=True):
            assert abs(away) <= 2, (method, score)


def test_the_rank_accuracy_of_freqrise_is_by_value_and_not_by_size():
    truth = np.zeros((3, 40), bool)
    truth[:, [5, 16]] = True
    maps = np.zeros((3, 40, 1), np.float32)
    maps[0, [5, 16], 0] = 1
    maps[1, [5, 16], 0] = -1
    maps[2, [5, 7], 0] = [2, 3]
    np.testing.assert_allclose(freqrise.rank_accuracy(maps, truth), [1, 0, 1 / 2])


def test_the_data_of_freqrise_are_the_published_ones(keras):
    examples = freqrise.draw(2, 0.0, np.random.default_rng(0))
    assert examples.x.shape == (32, 2560, 1) and set(examples.y) == set(range(16))
    present = np.abs(np.fft.rfft(examples.x[:, :, 0], axis=1)) > 640
    assert present[:, 61:].sum() == 0 and present.sum(1).min() >= 10 and present.sum(1).max() <= 49
    model = freqrise.trained(0.01, 0, rounds=1, per_class=1)
    assert [layer.units for layer in model.layers if hasattr(layer, "units")] == [64, 64, 64, 16]


def test_augmented_occlusion_averages_the_sizes_of_its_drops(keras):
    # The last step's logits are those of its own three values: a drop is weight × (value - what replaces it).
    inputs = keras.Input((4, 3))
    last = keras.layers.Dense(2, use_bias=False)
    model = keras.Model(inputs, last(inputs))
    weights = np.array([[1.0, -1.0], [2.0, 0.0], [0.0, 0.5]], np.float32)
    last.set_weights([weights])
    x = np.full((1, 4, 3), 3, np.float32)
    # One above and one as far below: with signs, the drops of both cancel.
    training = np.stack([x[0] + 1, x[0] - 1])
    found = state.drawn_drops(model, x, training, 0, {"background": 1, "window": 1})
    np.testing.assert_allclose(found, [[1, 2, 0]], atol=1e-5)
