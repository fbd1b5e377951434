"""Which examples of several labels or values are explained, and what of each; contrasts."""

import numpy as np
import pytest

from pellucid import files
from pellucid.config import resolution
from pellucid.errors import InputError
from pellucid.prepare import choice_by_label, choice_by_value
from pellucid.prepare.example_selection import select
from pellucid.prepare.explained_targets import contrasted, targets
from pellucid.targets import contrast, evidence, name, split
from pellucid.tasks import MULTI_LABEL, REGRESSION, sigmoid

CLASSES = ["NORM", "MI", "CD"]
ANSWERS = np.array([[1, 0, 0], [0, 1, 1], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 0, 0]], np.uint8)
LOGITS = np.array([[3, -1, -2], [-3, 2, -1], [-2, -1, -3], [1, -3, 4], [-1, 3, -2], [0.5, -2, -2]], np.float32)
PREDICTED = LOGITS > 0


def chosen(which, per_label=9, rng=0):
    indices, labels = choice_by_label.choose(ANSWERS, LOGITS, PREDICTED, per_label, which, np.random.default_rng(rng))
    return {label: indices[labels == label].tolist() for label in range(3)}


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ("correct", {0: {0}, 1: {1, 4}, 2: {3}}),
        ("wrong", {0: {3, 4, 5}, 1: {2}, 2: {1}}),
        ("any", {0: {0, 4}, 1: {1, 2, 4}, 2: {1, 3}}),
        ("negative", {0: {1, 2, 3, 5}, 1: {0, 3, 5}, 2: {0, 2, 4, 5}}),
    ],
)
def test_examples_are_chosen_for_each_label(which, expected):
    assert {label: set(indices) for label, indices in chosen(which).items()} == expected


def test_confidence_is_the_logit_of_the_label():
    assert chosen("most_confident") == {0: [0, 4], 1: [4, 1, 2], 2: [3, 1]}
    assert chosen("least_confident", 1) == {0: [4], 1: [2], 2: [1]}


def test_values_are_chosen_evenly_along_their_range_or_by_their_errors(rng):
    true = rng.permutation(100).astype(np.float32)[:, np.newaxis]
    predicted = true + np.where(true == 7, 30, 0) - np.where(true == 60, 50, 0)
    indices, values = choice_by_value.choose(true, predicted, 4, "any", rng)
    np.testing.assert_array_equal(true[indices, 0], [12, 37, 62, 87])
    assert (values == 0).all()
    indices, _ = choice_by_value.choose(true, predicted, 2, "wrong", rng)
    np.testing.assert_array_equal(true[indices, 0], [60, 7])


def test_a_contrast_is_coded_and_named():
    labels = np.array([0, 1, 2])
    codes = targets({"why": "MI", "not": "NORM"}, CLASSES, labels, LOGITS[:3])
    np.testing.assert_array_equal(codes, [contrast(1, 0)] * 3)
    assert name(int(codes[0]), CLASSES) == "MI, not NORM"
    why, other = split(targets({"why": "predicted", "not": "CD"}, CLASSES, labels, LOGITS[[0, 1, 4]]))
    np.testing.assert_array_equal([why, other], [[0, 1, 1], [2, 2, 2]])


def test_predicted_and_true_are_the_label_for_which_an_example_was_chosen():
    labels = np.array([2, 0, 1])
    for keyword in ("predicted", "true"):
        for task in (MULTI_LABEL, REGRESSION):
            np.testing.assert_array_equal(targets(keyword, CLASSES, labels, LOGITS[:3], task), labels)


def test_an_example_without_labels_stands_for_its_most_probable_label_and_no_value():
    unlabelled = np.full(6, -1)
    np.testing.assert_array_equal(targets("predicted", CLASSES, unlabelled, LOGITS, MULTI_LABEL), LOGITS.argmax(1))
    np.testing.assert_array_equal(targets("predicted", ["age"], unlabelled, LOGITS, REGRESSION), np.zeros(6))
    with pytest.raises(InputError, match="the name of one of the values NORM, MI, CD"):
        targets("predicted", CLASSES, unlabelled, LOGITS, REGRESSION)


def test_an_unknown_name_is_refused_with_the_nearest_one():
    with pytest.raises(InputError, match=r'examples.target.not: found "NORMAL".*Did you mean "NORM"'):
        targets({"why": "MI", "not": "NORMAL"}, CLASSES, np.array([1]), LOGITS[:1])


def test_examples_that_would_contrast_a_class_with_itself_may_not_be_explained():
    target = {"why": "predicted", "not": "NORM"}
    fits = contrasted(target, CLASSES, np.array([0, 1]), LOGITS[:2], "single_label")
    np.testing.assert_array_equal(fits, [False, True])
    with pytest.raises(InputError, match="1 of the examples would contrast"):
        targets(target, CLASSES, np.array([0, 1]), LOGITS[:2])


def written(folder, task, answers, logits, classes=CLASSES):
    """The files that `select` reads, of six examples whose only value is their number."""
    np.save(folder / "x_test.npy", np.arange(len(answers), dtype=np.float32)[:, np.newaxis, np.newaxis])
    for empty in ("truth", "measured"):
        files.write_arrays(folder / f"{empty}.npz", {})
    files.write_json(folder / "data.json", {"task": task, "classes": list(classes)})
    probabilities = {"probabilities": sigmoid(logits)} if task == MULTI_LABEL else {}
    files.write_arrays(folder / "predictions.npz", {"labels": answers, "logits": logits, **probabilities})
    names = {"truth": "truth.npz", "measured": "measured.npz", "data_info": "data.json"}
    paths = {name: folder / file for name, file in names.items()}
    return {**paths, "x": folder / "x_test.npy", "predictions": folder / "predictions.npz", "seed": 1}


def test_the_examples_of_several_labels_have_their_answers_and_what_is_predicted_at_the_thresholds(tmp_path):
    given = written(tmp_path, MULTI_LABEL, ANSWERS, LOGITS)
    files.write_json(tmp_path / "thresholds.json", {"NORM": 0.6, "MI": 0.05, "CD": 0.5})
    output = tmp_path / "examples.npz"
    select(
        **given,
        per_class=2,
        choose="negative",
        target="predicted",
        thresholds=tmp_path / "thresholds.json",
        output=output,
    )
    arrays = files.read_arrays(output)
    np.testing.assert_array_equal(arrays["labels"], [0, 0, 1, 1, 2, 2])
    np.testing.assert_array_equal(arrays["targets"], arrays["labels"])
    np.testing.assert_array_equal(arrays["answers"], ANSWERS[arrays["indices"]])
    assert not arrays["answers"][np.arange(6), arrays["labels"]].any()
    p = sigmoid(LOGITS)[arrays["indices"], arrays["labels"]]
    np.testing.assert_array_equal(arrays["predictions"], p >= np.array([0.6, 0.05, 0.5])[arrays["labels"]])
    np.testing.assert_array_equal(arrays["probabilities"], sigmoid(LOGITS)[arrays["indices"]])


def test_a_chosen_contrast_leaves_out_the_label_itself(tmp_path, caplog):
    given = written(tmp_path, MULTI_LABEL, ANSWERS, LOGITS)
    output = tmp_path / "examples.npz"
    with caplog.at_level("WARNING", "pellucid"):
        select(**given, per_class=1, choose="any", target={"why": "true", "not": "NORM"}, output=output)
    np.testing.assert_array_equal(files.read_arrays(output)["targets"], [contrast(1, 0), contrast(2, 0)])
    assert "1 of 3 chosen examples are left out" in caplog.text


def test_the_examples_of_a_regression_have_no_probabilities(tmp_path):
    true = np.array([[1], [2], [3], [4]], np.float32)
    given = written(tmp_path, REGRESSION, true, true + 0.5, ["age"])
    select(**given, per_class=2, choose="correct", target="predicted", output=tmp_path / "examples.npz")
    arrays = files.read_arrays(tmp_path / "examples.npz")
    assert "probabilities" not in arrays
    np.testing.assert_array_equal(arrays["answers"], [[2], [4]])
    np.testing.assert_array_equal(arrays["predictions"], np.float32([2.5, 4.5]))


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        ({"target": {"why": "3", "not": 3}}, 'found why: "3" and not: "3", whose difference is 0'),
        (
            {"target": {"why": "3"}},
            "expected a text or a whole number or a mapping of class or a mapping of why and not",
        ),
        ({"choose": "negative"}, 'found "negative", the examples without a label, and a single-label task'),
    ],
)
def test_what_can_be_known_without_data_is_refused_when_planning(examples, message):
    entry = {"dataset": {"source": "digits"}, "model": {"architecture": "digit_cnn"}, "examples": examples}
    with pytest.raises(resolution.ConfigError) as refused:
        resolution.resolve({"run": ["own"], "experiments": {"own": entry}})
    assert message in str(refused.value)


def test_a_target_of_an_experiment_takes_the_place_of_that_of_the_defaults():
    entry = {
        "dataset": {"source": "digits"},
        "model": {"architecture": "digit_cnn"},
        "examples": {"target": {"why": "3", "not": "5"}},
    }
    content = {"run": ["own"], "defaults": {"examples": {"target": {"class": "1"}}}, "experiments": {"own": entry}}
    assert resolution.resolve(content).experiments["own"]["examples"]["target"] == {"why": "3", "not": "5"}


def test_the_evidence_is_that_of_what_is_explained(rng):
    truth = rng.random((3, 6, 1, 2)) < 0.5
    targets = np.array([0, 1, contrast(0, 1)])
    found = evidence(truth, targets, 3)
    expected = [truth[0, ..., 0], truth[1, ..., 1], truth[2].any(-1)]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(evidence(truth[..., 0], targets, 3), truth[..., 0])
