"""Scores on cases whose answer is known."""

import numpy as np
import pytest

from pellucid.evaluate.run import calibration, scores, softmax

CLASSES = ["a", "b", "c"]


def test_scores_of_a_case_counted_by_hand():
    y = np.array([0, 0, 0, 1, 1, 2])
    logits = 9 * np.eye(3, dtype=np.float32)[[0, 0, 1, 1, 1, 0]]
    overall, per_class, confusion = scores(y, logits, CLASSES)
    assert overall["accuracy"] == pytest.approx(4 / 6)
    assert overall["balanced_accuracy"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    np.testing.assert_array_equal(confusion.to_numpy(), [[2, 1, 0], [0, 2, 0], [1, 0, 0]])
    assert list(confusion.index) == CLASSES
    np.testing.assert_allclose(per_class["precision"], [2 / 3, 2 / 3, 0])
    np.testing.assert_allclose(per_class["recall"], [2 / 3, 1, 0])
    np.testing.assert_allclose(per_class["f1"], [2 / 3, 4 / 5, 0])
    assert overall["macro_f1"] == pytest.approx((2 / 3 + 4 / 5) / 3)
    assert list(per_class["support"]) == [3, 2, 1]


def test_auroc_is_the_share_of_pairs_in_order(rng):
    y, p = rng.integers(0, 3, 60), rng.dirichlet(np.ones(3), 60).astype(np.float32)
    overall, per_class, _ = scores(y, np.log(p), CLASSES)
    for label in range(3):
        pairs = p[y == label, label][:, None] - p[y != label, label][None]
        expected = (pairs > 0).mean() + 0.5 * (pairs == 0).mean()
        assert per_class["auroc"][label] == pytest.approx(expected)
    assert overall["macro_auroc"] == pytest.approx(per_class["auroc"].mean())


def test_a_class_that_the_test_set_lacks_counts_in_no_mean():
    overall, per_class, _ = scores(np.array([0, 1, 1]), 9 * np.eye(3, dtype=np.float32)[[0, 1, 1]], CLASSES)
    assert overall["balanced_accuracy"] == overall["macro_f1"] == overall["macro_auroc"] == 1
    assert per_class.loc[2, ["precision", "recall", "f1", "auroc"]].isna().all()
    assert per_class["support"][2] == 0


def test_log_loss_is_scikit_learns(rng):
    from sklearn.metrics import log_loss

    y, p = rng.integers(0, 3, 40), rng.dirichlet(np.ones(3), 40)
    overall, _, _ = scores(y, np.log(p).astype(np.float32), CLASSES)
    assert overall["log_loss"] == pytest.approx(log_loss(y, p, labels=[0, 1, 2]), rel=1e-5)


def test_calibration_error_of_a_case_counted_by_hand():
    # Two bins: confidence 0.6 with accuracy 1/2 on two examples, confidence 0.9 with accuracy 1 on two.
    p = np.array([[0.6, 0.4], [0.6, 0.4], [0.9, 0.1], [0.1, 0.9]], np.float32)
    table = calibration(np.array([0, 1, 0, 1]), p, bins=10)
    error = (table["share"] * table["gap"].abs()).sum()
    assert error == pytest.approx(0.5 * 0.1 + 0.5 * 0.1, abs=1e-6)
    assert table["examples"].sum() == 4


def test_a_calibrated_model_has_next_to_no_calibration_error(rng):
    p = rng.dirichlet(np.ones(2), 200_000).astype(np.float32)
    y = (rng.random(200_000) < p[:, 1]).astype(int)
    table = calibration(y, p)
    assert (table["share"] * table["gap"].abs()).sum() < 0.01


def test_softmax_stands_large_logits():
    np.testing.assert_allclose(softmax(np.array([[1000.0, 1000.0], [-1000.0, 0.0]], np.float32)), [[0.5, 0.5], [0, 1]])
