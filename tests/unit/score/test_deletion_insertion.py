"""Deletion and insertion: against all orders there are, against one prediction at a time, and at chance."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from pellucid.network.explained_model import ExplainedModel
from pellucid.score.deletion_insertion import SPEC, score
from pellucid.score.shared.fills import fills
from pellucid.score.shared.units import count, units
from tests.support.explained import case_of
from tests.support.score_evidence import explanation, keras_answer, linear_case, patchwork, with_training


def rng():
    return np.random.default_rng(7)


@pytest.fixture(scope="module")
def six(keras):
    """A linear model of six values, and its weights (6, 3)."""
    keras.utils.set_random_seed(5)
    layers = [keras.layers.Input((6, 1)), keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")]
    model = keras.Sequential(layers)
    return model, model.layers[-1].get_weights()[0]


@pytest.mark.parametrize("baseline", ["zero", "mean", "other"])
def test_what_values_have_added_is_the_best_of_all_orders(six, baseline):
    model, weights = six
    # Every example is the same input; every map is another of the 720 orders.
    orders = np.array(list(itertools.permutations(range(6))), np.float32)[..., np.newaxis]
    inputs = np.repeat(rng().normal(size=(1, 6, 1)).astype(np.float32), len(orders) + 1, axis=0)
    case = with_training(case_of(model, inputs, targets=np.ones(len(inputs), int)))
    # With six units removed the input is the baseline itself.
    reference = baseline_of(case, baseline)
    exact = (inputs[:1] - reference[:1]) * weights[:, 1].reshape(6, 1)
    found = score(explanation(np.concatenate([exact, orders])), case, rng(), baselines=[baseline], of="logit").values
    for metric, sign in (("deletion", 1), ("insertion", -1), ("insertion_less_deletion", -1)):
        areas = sign * found[f"{metric}.{baseline}"]
        assert areas[0] == pytest.approx(areas[1:].min(), abs=1e-6)
        assert areas[1:].max() > areas[0] + 0.05
    # All orders together are chance: the mean of the difference is nothing.
    assert found[f"insertion_less_deletion.{baseline}"][1:].mean() == pytest.approx(0, abs=1e-6)


def baseline_of(case, kind):
    _, chance = rng().spawn(2)
    everything = np.ones((1, len(case.inputs), *case.inputs.shape[1:]), bool)
    return fills(case, [kind], chance)[kind](slice(0, len(case.inputs)), everything)[0]


@pytest.mark.parametrize("of", ["probability", "logit"])
def test_curves_are_those_of_one_prediction_at_a_time(multivariate, of):
    inputs = rng().normal(size=(3, 100, 6)).astype(np.float32)
    case, maps = case_of(multivariate, inputs), rng().normal(size=(3, 100, 6)).astype(np.float32)
    found = score(explanation(maps), case, rng(), steps=10, of=of, baselines=["zero"])
    ask = keras_answer(multivariate, of)
    for row in range(3):
        order = np.argsort(-maps[row].sum(1))
        deletion, insertion = [], []
        for k in range(0, 101, 10):
            one, other = inputs[row].copy(), np.zeros((100, 6), np.float32)
            one[order[:k]] = 0
            other[order[:k]] = inputs[row][order[:k]]
            deletion.append(ask(one, case.targets[row]))
            insertion.append(ask(other, case.targets[row]))
        np.testing.assert_allclose(found.curves["deletion.zero"].y[row], deletion, atol=2e-5)
        np.testing.assert_allclose(found.curves["insertion.zero"].y[row], insertion, atol=2e-5)
        area = sum((a + b) / 2 for a, b in itertools.pairwise(deletion)) / 10
        assert found.values["deletion.zero"][row] == pytest.approx(area, abs=2e-5)


def test_superpixels_are_removed_whole(gap_image):
    inputs = patchwork(3, 9, 8)
    case, maps = case_of(gap_image, inputs), rng().normal(size=(3, 9, 8, 3)).astype(np.float32)
    labels = units(inputs, unit="superpixel", window="auto", channels="together")[..., 0]
    found = score(explanation(maps), case, rng(), unit="superpixel", of="logit", baselines=["zero"])
    assert len(set(count(labels))) > 1
    curve, ask = found.curves["deletion.zero"], keras_answer(gap_image, "logit")
    for row, number in enumerate(count(labels)):
        order = np.argsort([-maps[row][labels[row] == label].sum() for label in range(number)])
        for share, y in zip(curve.x, curve.y[row], strict=True):
            one = inputs[row].copy()
            one[np.isin(labels[row], order[: int(np.rint(share * number))])] = 0
            assert y == pytest.approx(ask(one, case.targets[row]), abs=2e-5)


def test_insertion_is_deletion_of_the_least_important_first(multivariate):
    inputs, maps = (rng().normal(size=(2, 100, 6)).astype(np.float32) for _ in range(2))
    case = case_of(multivariate, inputs)
    options = {"baselines": ["linear"], "steps": 20}
    forth = score(explanation(maps), case, rng(), **options).curves["insertion.linear"].y
    back = score(explanation(-maps), case, rng(), **options).curves["deletion.linear"].y
    np.testing.assert_allclose(forth, back[:, ::-1], atol=2e-6)


def test_random_maps_and_equal_ones_are_at_chance(heartbeat):
    """The difference of the areas is 0 on average over random orders, with any model and baseline."""
    x = rng().random((1, 186, 1), np.float32)
    case = with_training(case_of(heartbeat, np.repeat(x, 200, axis=0), targets=np.full(200, 2)))
    maps = np.random.default_rng(11).normal(size=case.inputs.shape)
    found = score(explanation(maps), case, rng(), steps=20).values
    equal = score(explanation(np.ones_like(maps[:1])), case_with(case, 1), rng(), steps=20).values
    for baseline in ("zero", "mean", "linear", "other"):
        values = found[f"insertion_less_deletion.{baseline}"]
        spread = values.std(ddof=1)
        assert spread > 0
        assert abs(values.mean()) < 4 * spread / np.sqrt(200)
        # One more random order.
        assert abs(equal[f"insertion_less_deletion.{baseline}"][0]) < 5 * spread


def case_with(case, number):
    return replace(case, inputs=case.inputs[:number], targets=case.targets[:number], labels=case.labels[:number])


@pytest.mark.parametrize("baseline", ["zero", "mean", "noise", "linear", "other"])
def test_order_and_size_of_batches_do_not_matter(linear, baseline):
    whole, weights = linear_case(linear)
    small, _ = linear_case(linear, batch_size=2)
    maps = whole.inputs * weights
    back = replace(small, inputs=small.inputs[::-1], targets=small.targets[::-1])
    found = score(explanation(maps), whole, rng(), baselines=[baseline]).values
    turned = score(explanation(maps[::-1]), back, rng(), baselines=[baseline]).values
    for name, values in found.items():
        np.testing.assert_allclose(turned[name][::-1], values, atol=1e-5)


@pytest.mark.parametrize("unit", ["value", "sample", "window"])
def test_never_more_steps_than_units_and_twice_the_passes(linear, unit):
    case, weights = linear_case(linear)
    number = {"value": 36, "sample": 12, "window": 4}[unit]
    options = {"unit": unit, "window": 3, "baselines": ["zero"]}
    found = score(explanation(case.inputs * weights), case, rng(), steps=50, **options)
    assert len(found.curves["deletion.zero"].x) == number + 1
    # Curves share their ends.
    assert case.model.forward_passes == len(case.inputs) * 2 * number


def test_one_step_is_all_or_nothing(linear):
    case, weights = linear_case(linear)
    found = score(explanation(case.inputs * weights), case, rng(), steps=1, baselines=["zero"], of="logit").values
    np.testing.assert_allclose(found["insertion_less_deletion.zero"], 0, atol=1e-6)
    ends = ExplainedModel(linear[0]).score(case.inputs, case.targets) + ExplainedModel(linear[0]).score(
        0 * case.inputs, case.targets
    )
    np.testing.assert_allclose(found["deletion.zero"], ends / 2, atol=1e-5)


def test_every_metric_is_declared(linear):
    case, weights = linear_case(linear)
    found = score(explanation(case.inputs * weights), case, rng())
    assert len(found.values) == 12
    assert {SPEC.metric(name).title for name in found.values} == {metric.title for metric in SPEC.metrics.values()}
