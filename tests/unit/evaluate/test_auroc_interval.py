"""The interval of an AUROC: DeLong's variance, groups, perfect areas, and how often it holds the true area."""

import numpy as np
import pytest
from scipy.stats import t
from sklearn.metrics import roc_auc_score

from pellucid.evaluate import multi_label, regression, resampling
from pellucid.evaluate.auroc_interval import PRIOR, influences, interval
from pellucid.score.shared import example_groups
from tests.bench import coverage

NAMES = ["often", "rare"]


@pytest.fixture
def scored(rng):
    """60 examples of which 12 have the label, with ties."""
    has = np.arange(60) < 12
    return has, (rng.normal(size=60) + has).round(1)


def test_area_and_variance_are_those_of_all_pairs(scored):
    has, scores = scored
    area, of_positives, of_negatives = influences(has, scores)
    assert area == pytest.approx(roc_auc_score(has, scores), abs=1e-12)
    pairs = np.sign(scores[has][:, np.newaxis] - scores[~has]) / 2 + 0.5
    np.testing.assert_allclose(of_positives * 12, pairs.mean(1) - area, atol=1e-12)
    np.testing.assert_allclose(of_negatives * 48, pairs.mean(0) - area, atol=1e-12)


def test_copies_of_a_patients_example_add_nothing(scored):
    has, scores = scored
    alone = interval(has, scores)
    patients = np.repeat(np.arange(60), 4)
    assert interval(has[patients], scores[patients], patients) == pytest.approx(alone, abs=1e-9)
    narrow = interval(has[patients], scores[patients])
    assert narrow[1] - narrow[0] < 0.7 * (alone[1] - alone[0])


def test_an_area_without_an_error_has_an_interval_and_one_of_few_examples_none():
    has = np.arange(100) < 5
    low, high = interval(has, has.astype(float))
    assert high == 1
    # 1 - low = q √V(low), by hand.
    spread = 1 + 49 * (1 - low) / (2 - low) + 49 * low / (1 + low)
    assert (1 - low) == pytest.approx(t.ppf(0.975, PRIOR) * np.sqrt(low * (1 - low) * spread / (5 * 95)), abs=1e-9)
    assert interval(has, -has.astype(float))[0] == 0
    assert np.isnan(interval(np.arange(100) < 4, has.astype(float))).all()
    # Five examples of two patients are two observations.
    assert np.isnan(interval(has, has.astype(float), np.arange(100) // 3)).all()


@pytest.mark.parametrize("positives", [5, 10, 30])
def test_the_interval_holds_the_true_area_of_a_rare_label(positives):
    # The standard deviation of 400 draws is 0.011.
    assert coverage.auroc_coverage("score", 400, positives, 19 * positives, 0.86) >= 0.93


def test_over_patients_it_holds_the_true_area_and_over_their_examples_it_does_not():
    case = (400, 10, 90, 0.86)
    assert coverage.auroc_coverage("score", *case, of_patient=5) >= 0.92
    assert coverage.auroc_coverage("examples", *case, of_patient=5) < 0.88


@pytest.mark.slow
@pytest.mark.parametrize("positives", [5, 10, 30])
@pytest.mark.parametrize("area", [0.75, 0.86])
def test_coverage_of_rare_labels(positives, area):
    share = coverage.auroc_coverage("score", 4000, positives, 19 * positives, area)
    assert 0.93 <= share <= 0.975


def test_resamples_hold_whole_groups():
    groups = example_groups.codes_of(np.array(["b", "a", "b", "c", "a", "b"]))
    np.testing.assert_array_equal(groups, [1, 0, 1, 2, 0, 1])
    counts = np.concatenate(list(resampling.resamples(6, 2, groups)))
    assert len(counts) == resampling.RESAMPLES
    np.testing.assert_array_equal(counts[:, [2, 5, 4]], counts[:, [0, 0, 1]])
    np.testing.assert_array_equal(counts[:, [0, 1, 3]].sum(1), 3)


def test_intervals_of_labels_and_values_are_over_groups(rng):
    answers = (rng.random((80, 2)) < [0.5, 0.3]).astype(np.uint8)
    logits = (rng.normal(size=(80, 2)) + answers).astype(np.float32)
    copies, at, none = np.repeat(np.arange(80), 3), np.full(2, 0.5), np.zeros(2, int)
    groups = np.array([f"patient {number}" for number in copies])
    alone = multi_label.score(answers, logits, NAMES, at, none)
    grouped = multi_label.score(answers[copies], logits[copies], NAMES, at, none, groups)
    for name in ("auroc_low", "auroc_high", "auprc_low", "f1_high"):
        np.testing.assert_allclose(grouped.per_label[name], alone.per_label[name], atol=0.02)
    assert grouped.metrics["macro_auroc_low"] == pytest.approx(alone.metrics["macro_auroc_low"], abs=0.02)
    assert (grouped.metrics["test_groups"], "test_groups" in alone.metrics) == (80, False)
    values = np.array([[1.0], [2.0]])[rng.integers(0, 2, 80)] + rng.normal(size=(80, 1))
    of_all = regression.score(values, values * 0.8, ["v"], [""], np.ones(1), np.zeros((0, 1)))
    of_groups = regression.score(
        values[copies], values[copies] * 0.8, ["v"], [""], np.ones(1), np.zeros((0, 1)), groups
    )
    width = lambda scored: np.ptp(scored.per_value[["r2_low", "r2_high"]].to_numpy())  # noqa: E731
    assert width(of_groups) == pytest.approx(width(of_all), rel=0.1)
