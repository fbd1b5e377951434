"""Whether a model is said to be at chance: cases counted by hand, and error rates by simulation."""

import numpy as np
import pytest

from pellucid.evaluate import chance, class_order
from pellucid.evaluate.chance import compare
from pellucid.score.shared.bootstrap import interval


def names(count):
    return [f"class {number}" for number in range(count)]


def test_a_model_that_knows_the_classes_is_not_said(rng):
    y = rng.integers(0, 5, 200)
    fact = compare(y, np.where(rng.random(200) < 0.6, y, rng.integers(0, 5, 200)), names(5))
    assert fact["at_chance"] is False
    assert fact["sentence"] == fact["headline"] == ""


def test_the_numbers_are_those_of_the_predictions(rng):
    y = np.repeat([0, 1, 2], [60, 25, 15])
    predicted = rng.integers(0, 3, 100)
    fact = compare(y, predicted, ["N", "S", "V"])
    right = (predicted == y).astype(float)
    exact = interval(right, rng, proportion=True)
    assert fact["at_chance"] is True
    assert fact["accuracy"] == right.mean()
    assert (fact["accuracy_low"], fact["accuracy_high"]) == (exact.low, exact.high)
    assert (fact["most_frequent_class"], fact["most_frequent_share"]) == ("N", 0.6)
    assert fact["balanced_accuracy"] == pytest.approx(np.mean([right[y == label].mean() for label in range(3)]))
    assert fact["test_examples"] == 100
    for number in ("accuracy", "accuracy_low", "accuracy_high", "most_frequent_share", "balanced_accuracy"):
        assert f"{fact[number]:.2f}" in fact["sentence"]
    assert '"N"' in fact["sentence"]
    assert f"{fact['accuracy']:.2f}" in fact["headline"]


def test_always_the_most_frequent_class_is_at_chance_however_high_its_accuracy():
    y = np.repeat([0, 1], [990, 10])
    fact = compare(y, np.zeros(1000, int), names(2))
    assert fact["accuracy"] == 0.99
    assert fact["at_chance"] is True
    assert "no better than chance" in fact["headline"]


def test_a_rare_class_that_is_found_counts_even_where_the_accuracy_is_below_the_share_of_the_frequent_class():
    y = np.repeat([0, 1], [900, 100])
    predicted = np.concatenate([np.repeat([0, 1], [700, 200]), np.repeat([0, 1], [10, 90])])
    fact = compare(y, predicted, names(2))
    assert fact["accuracy"] < fact["most_frequent_share"]
    assert fact["at_chance"] is False


def test_few_examples_are_not_said_to_show_that_the_model_knows_nothing():
    fact = compare(np.array([0, 1, 0, 1]), np.array([0, 1, 0, 1]), names(2))
    assert fact["at_chance"] is True
    assert "not clearly better than chance" in fact["sentence"]
    assert "may tell nothing" in fact["headline"]


def test_one_class_alone_says_nothing():
    fact = compare(np.zeros(9, int), np.zeros(9, int), names(2))
    assert fact["at_chance"] is None
    assert fact["sentence"] == ""


def test_the_same_predictions_give_the_same_numbers(rng):
    y, predicted = rng.integers(0, 3, 50), rng.integers(0, 3, 50)
    assert compare(y, predicted, names(3)) == compare(y, predicted, names(3))


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.9, 0.1], [0.8, 0.1, 0.05, 0.03, 0.02]])
@pytest.mark.parametrize("count", [20, 100])
def test_a_model_that_knows_nothing_is_said_in_nearly_all_cases(rng, monkeypatch, shares, count):
    monkeypatch.setattr(chance, "SHUFFLES", 200)
    # Twice 2.5% at most: of 100 simulations 12 or more have a probability below 0.005.
    missed = 0
    for _ in range(100):
        y, predicted = rng.choice(len(shares), count, p=shares), rng.choice(len(shares), count, p=shares)
        missed += compare(y, predicted, names(len(shares)))["at_chance"] is False
    assert missed < 12


def test_a_model_at_chance_is_logged_once_and_noted(caplog):
    sentence = "The model is no better than chance."
    y, predicted = np.repeat([0, 1], 20), np.zeros(40, int)
    with caplog.at_level("WARNING"):
        assert class_order.notes(None, y, predicted, [], sentence) == [sentence]
    assert [record.getMessage() for record in caplog.records] == [sentence]
    (own,) = class_order.notes(None, y, predicted, names(2), sentence)
    assert own.startswith(sentence)
    assert "model.input_range" in own
    assert class_order.notes(None, y, y, [], "") == []


def test_a_model_that_follows_the_recording_and_not_the_class_is_at_chance():
    """Each recording has a class and gets a prediction of its own: shuffled examples would be too kind."""
    better = {"over examples": 0, "over recordings": 0}
    for trial in range(40):
        rng = np.random.default_rng([8, trial])
        origin = np.repeat(np.arange(24), rng.integers(2, 16, 24))
        y, predicted = rng.integers(0, 2, 24)[origin], rng.integers(0, 2, 24)[origin]
        better["over examples"] += compare(y, predicted, names(2))["at_chance"] is False
        better["over recordings"] += compare(y, predicted, names(2), origin)["at_chance"] is False
    print(better)
    assert better["over examples"] >= 8
    assert better["over recordings"] <= 3


def test_a_model_that_knows_the_classes_is_found_over_recordings(rng):
    origin = np.repeat(np.arange(10), 20)
    y = rng.integers(0, 3, 200)
    predicted = np.where(rng.random(200) < 0.6, y, rng.integers(0, 3, 200))
    fact = compare(y, predicted, names(3), origin)
    assert (fact["at_chance"], fact["test_groups"]) == (False, 10)
    over_groups = interval((predicted == y).astype(float), rng, proportion=True, groups=origin)
    assert (fact["accuracy_low"], fact["accuracy_high"]) == (over_groups.low, over_groups.high)


def test_few_recordings_have_no_interval_and_say_so(rng):
    y = np.tile([0, 1], 40)
    fact = compare(y, rng.integers(0, 2, 80), names(2), np.repeat(np.arange(4), 20))
    assert fact["accuracy_low"] is fact["accuracy_high"] is None
    assert fact["at_chance"] is True
    assert "(no interval, 80 test examples of 4 groups)" in fact["sentence"]
