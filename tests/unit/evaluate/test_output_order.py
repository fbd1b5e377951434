"""Outputs in another order than the labels or values are noticed, and those in the right order are left alone."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pellucid import files
from pellucid.evaluate import by_task
from pellucid.evaluate.output_order import agreement, better_order, warning
from pellucid.tasks import MULTI_LABEL, REGRESSION

NAMES = ["NORM", "MI", "STTC", "CD"]


def answered(rng, task, strength=1.5, n=300):
    """Answers of four outputs, and what a model that knows something of them gives; labels hang together."""
    if task == REGRESSION:
        answers = rng.normal(size=(n, 4)) + rng.normal(size=(n, 1))
    else:
        answers = (rng.random((n, 4)) < [0.5, 0.3, 0.2, 0.1]).astype(np.uint8)
        answers[:, 1] |= answers[:, 2] & (rng.random(n) < 0.5)
    return answers, rng.normal(size=(n, 4)) + strength * answers


def test_the_agreement_is_the_area_of_every_output_for_every_label(rng):
    answers, logits = answered(rng, MULTI_LABEL)
    found = agreement(answers, logits, MULTI_LABEL)
    expected = [[roc_auc_score(answers[:, label], logits[:, output]) for output in range(4)] for label in range(4)]
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("task", [MULTI_LABEL, REGRESSION])
@pytest.mark.parametrize("order", [[1, 0, 2, 3], [3, 2, 1, 0], [1, 2, 3, 0]])
def test_another_order_is_found(rng, task, order):
    answers, logits = answered(rng, task)
    assert better_order(answers, logits, task) is None
    np.testing.assert_array_equal(better_order(answers, logits[:, order], task), order)


@pytest.mark.parametrize("task", [MULTI_LABEL, REGRESSION])
def test_a_model_that_knows_nothing_has_no_better_order(task):
    for seed in range(40):
        answers, logits = answered(np.random.default_rng(seed), task, strength=0, n=60)
        assert better_order(answers, logits, task) is None, seed


def test_the_sentence_names_the_order_that_fits(rng, caplog):
    answers, logits = answered(rng, MULTI_LABEL)
    said = warning(answers, logits[:, [1, 0, 2, 3]], NAMES, MULTI_LABEL)
    assert 'model.classes: ["MI", "NORM", "STTC", "CD"]. Now labels and maps have the wrong names' in said
    assert said in caplog.text
    assert warning(answers, logits, NAMES, MULTI_LABEL) == ""


def test_the_evaluation_notes_it_of_a_model_from_elsewhere_alone(tmp_path, rng):
    answers, logits = answered(rng, MULTI_LABEL)
    for untrained in (True, False):
        arguments = (MULTI_LABEL, {"classes": NAMES}, answers, logits[:, [1, 0, 2, 3]], None, None)
        by_task.write(tmp_path, *arguments, untrained=untrained)
        notes = " ".join(files.read_json(tmp_path / "metrics.json")["notes"])
        assert ("probably in another order" in notes) == untrained


def test_one_example_shows_no_order(recwarn):
    assert better_order(np.array([[0.1, 0.2]]), np.array([[1.0, 2.0]]), "regression") is None
    assert not recwarn.list
