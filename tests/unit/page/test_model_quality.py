"""The sentences on the model: its accuracy against chance, and no praise for a model that knows nothing."""

import pytest
from scipy.stats import binomtest

from pellucid.page import model_quality


def told(right, total, counts, **more):
    metrics = {"accuracy": right / total, "balanced_accuracy": 0.5, "test_examples": total}
    mood, sentences = model_quality.sentences(metrics, counts, **more)
    return mood, " ".join(sentences)


def test_accuracy_stands_with_its_exact_interval_and_beside_the_most_frequent_class():
    mood, text = told(90, 100, {"a": 60, "b": 40})
    ends = binomtest(90, 100).proportion_ci(method="exact")
    assert f"90 of 100 test examples correctly: accuracy 0.900 (95% interval {ends.low:.3f} to {ends.high:.3f})" in text
    assert "the most frequent class, a, would give an accuracy of 0.600 and a balanced accuracy of 0.500" in text
    assert mood == "good"


@pytest.mark.parametrize("right", [60, 65, 10])
def test_a_model_whose_interval_reaches_the_most_frequent_class_is_not_called_good(right):
    mood, text = told(right, 100, {"a": 60, "b": 40})
    assert mood == "doubtful"
    assert "a model that knows nothing" in text
    assert "worth asking" not in text


def test_what_the_evaluation_says_of_chance_comes_first():
    chance = {"at_chance": True, "sentence": "The model is no better than chance: <b>."}
    assert told(90, 100, {"a": 60, "b": 40}, chance=chance)[0] == "doubtful"
    assert "no better than chance: <b>." in told(90, 100, {"a": 60, "b": 40}, chance=chance)[1]


def test_a_model_that_is_better_by_its_balanced_accuracy_alone_says_so():
    chance = {"at_chance": False, "sentence": "", "balanced_accuracy_of_shuffled_labels": 0.41}
    mood, text = told(60, 100, {"a": 60, "b": 40}, chance=chance)
    assert mood == "good"
    assert "accuracy alone would not show" in text
    assert "shuffled labels give up to 0.410" in text
    assert "accuracy alone" not in told(90, 100, {"a": 60, "b": 40}, chance=chance)[1]


def test_one_class_and_missing_labels_say_nothing_of_the_model():
    assert told(100, 100, {"a": 100, "b": 0})[0] == "unknown"
    assert model_quality.sentences(None, {})[0] == "unknown"


def test_classes_of_equal_size_are_not_called_the_most_frequent_one():
    assert "answering with the same class would give an accuracy of 0.500" in told(90, 100, {"a": 50, "b": 50})[1]
    assert "one of the 2 most frequent classes would" in told(90, 100, {"a": 45, "b": 45, "c": 10})[1]


def test_over_groups_the_interval_is_that_of_the_evaluation():
    case = {"accuracy": 0.9, "balanced_accuracy": 0.5, "test_examples": 100}
    chance = {"at_chance": False, "sentence": "", "balanced_accuracy_of_shuffled_labels": 0.41}
    for groups, ends, said in (
        (12, (0.512, 0.993), "accuracy 0.900 (95% interval 0.512 to 0.993)"),
        (4, (None, None), "so few do not show how the model does on others"),
    ):
        known = chance | {"accuracy_low": ends[0], "accuracy_high": ends[1]}
        _, lines = model_quality.sentences(case | {"test_groups": groups}, {"a": 60, "b": 40}, known)
        assert said in " ".join(lines)
        assert f"from {groups} groups (recordings, patients)" in " ".join(lines)
    assert "(no interval)" in lines[0]
