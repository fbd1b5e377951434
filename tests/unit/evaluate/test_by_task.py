"""The scores of several labels and of values: against scikit-learn, closed forms and known models."""

import numpy as np
import pytest
from sklearn import metrics

from pellucid import files, tables
from pellucid.evaluate import by_task, chance_by_task, multi_label, regression, resampling, thresholds, value_intervals
from pellucid.evaluate.label_ranking import areas
from pellucid.evaluate.prediction_tables import of_labels
from pellucid.tasks import MULTI_LABEL, REGRESSION, sigmoid

NAMES = ["NORM", "MI", "=CD; $x$"]


def labelled(rng, n=200, strength=1.5):
    """Three labels, of 50%, 30% and 10% of the examples, and logits that know something of them; with ties."""
    answers = (rng.random((n, 3)) < [0.5, 0.3, 0.1]).astype(np.uint8)
    logits = rng.normal(size=(n, 3)) + strength * answers - [0, 1, 2]
    return answers, logits.round(1).astype(np.float32)


def test_areas_are_those_of_scikit_learn_with_the_counts_as_weights(rng):
    answers, logits = labelled(rng)
    has, counts = answers[:, 1] == 1, rng.integers(0, 4, (5, 200)).astype(float)
    found = areas(has, logits[:, 1], counts)
    for place, weights in enumerate(counts):
        auroc = metrics.roc_auc_score(has, logits[:, 1], sample_weight=weights)
        auprc = metrics.average_precision_score(has, logits[:, 1], sample_weight=weights)
        assert found.auroc[place] == pytest.approx(auroc, abs=1e-12)
        assert found.auprc[place] == pytest.approx(auprc, abs=1e-12)


def test_metrics_of_labels_are_those_of_scikit_learn(rng):
    answers, logits = labelled(rng)
    at = np.array([0.4, 0.5, 0.2])
    scored = multi_label.score(answers, logits, NAMES, at, np.array([9, 9, 9]))
    p = sigmoid(logits)
    predicted = p >= at
    expected = {
        "macro_auroc": metrics.roc_auc_score(answers, logits, average="macro"),
        "micro_auroc": metrics.roc_auc_score(answers, logits, average="micro"),
        "macro_auprc": metrics.average_precision_score(answers, logits, average="macro"),
        "micro_auprc": metrics.average_precision_score(answers, logits, average="micro"),
        "macro_f1": metrics.f1_score(answers, predicted, average="macro"),
        "micro_f1": metrics.f1_score(answers, predicted, average="micro"),
        "hamming_loss": metrics.hamming_loss(answers, predicted),
        "subset_accuracy": metrics.accuracy_score(answers, predicted),
        "log_loss": np.mean([metrics.log_loss(answers[:, label], p[:, label]) for label in range(3)]),
    }
    for name, value in expected.items():
        assert scored.metrics[name] == pytest.approx(value, abs=1e-9), name
    precision, recall, f1, positives = metrics.precision_recall_fscore_support(answers, predicted)
    table = scored.per_label
    for column, values in {"precision": precision, "recall": recall, "f1": f1, "positives": positives}.items():
        np.testing.assert_allclose(table[column], values, atol=1e-12)
    matrices = metrics.multilabel_confusion_matrix(answers, predicted)
    columns = ["true_negatives", "false_positives", "false_negatives", "true_positives"]
    np.testing.assert_array_equal(scored.confusion[columns], matrices.reshape(3, 4))
    bins = scored.reliability[scored.reliability["label"] == "MI"]
    assert bins["examples"].sum() == 200
    # The mean gap, weighted, is the mean difference of answers and probabilities.
    assert (bins["share"] * bins["gap"]).sum() == pytest.approx((answers[:, 1] - p[:, 1]).mean())


def test_intervals_cover_the_macro_auroc_of_the_population(rng):
    """Two normal distributions whose means lie d standard deviations apart have an AUROC of Φ(d/√2)."""
    true, inside = 0.8556, 0  # Φ(1.5 / √2)
    for _ in range(30):
        answers, logits = labelled(rng)
        found = areas(answers[:, 0] == 1, logits[:, 0], next(resampling.resamples(200, 1)))
        low, high = resampling.ends(found.auroc)
        inside += bool(low < true < high)
    assert inside >= 25


def test_an_interval_is_left_out_where_most_resamples_have_no_such_label():
    answers = np.zeros((50, 2), np.uint8)
    answers[:25, 0], answers[0, 1] = 1, 1
    scored = multi_label.score(answers, answers - 0.5, ["often", "once"], np.full(2, 0.5), np.zeros(2, int))
    once = scored.per_label.set_index("label").loc["once"]
    assert once["auroc"] == once["f1"] == 1
    assert np.isnan(once["auroc_low"])
    # Nor where nothing varies: resamples of examples without an error have none.
    assert scored.metrics["macro_auroc"] == 1
    assert scored.metrics["macro_auroc_low"] is None


def test_a_label_of_no_test_example_is_left_out_of_the_macro_means(rng):
    answers, logits = labelled(rng)
    answers[:, 2] = 0
    scored = multi_label.score(answers, logits, NAMES, np.full(3, 0.5), np.zeros(3, int))
    assert scored.per_label.loc[2, ["auroc", "auprc", "f1"]].isna().all()
    assert scored.metrics["macro_auroc"] == pytest.approx(metrics.roc_auc_score(answers[:, :2], logits[:, :2]))


def test_a_threshold_has_the_best_f1_of_all_cuts(rng):
    answers, logits = labelled(rng)
    for label in range(3):
        has, p = answers[:, label] == 1, sigmoid(logits[:, label])
        best = max(metrics.f1_score(has, p >= cut) for cut in np.unique(p))
        at = thresholds.choose(has, logits[:, label])
        assert metrics.f1_score(has, p >= at) == pytest.approx(best, abs=1e-12)
    assert thresholds.choose(np.zeros(4, bool), np.arange(4.0)) == 0.5
    assert thresholds.choose(np.array([True, False]), np.array([3.0, -1.0])) == pytest.approx(1 / (1 + np.exp(-1)))
    everything = thresholds.choose(np.array([True, True]), np.array([-3.0, -1.0]))
    assert everything <= sigmoid(np.array([-3.0]))[0]


@pytest.mark.parametrize("factor", [12, 20, 1000, 1e-6])
def test_a_threshold_is_the_best_where_probabilities_round_to_one_or_zero(rng, factor):
    for _ in range(50):
        has = rng.random(30) < 0.4
        logits = (factor * rng.integers(-4, 5, 30) + rng.choice([0, 1e-14], 30)).astype(np.float64)
        p = sigmoid(logits)
        best = max(metrics.f1_score(has, p >= cut, zero_division=0) for cut in np.unique(p))
        at = thresholds.choose(has, logits)
        assert not has.any() or metrics.f1_score(has, p >= at) == pytest.approx(best, abs=1e-12)


def test_metrics_of_values_are_those_of_scikit_learn(rng):
    true = rng.normal([60, 1e6], [10, 50], (300, 2))
    predicted = true + rng.normal(0, [5, 20], (300, 2)) + [1, 0]
    scored = regression.score(true, predicted, ["age", "K"], ["years", ""], np.array([9.0, 40.0]), np.zeros((0, 2)))
    np.testing.assert_allclose(scored.per_value["r2"], metrics.r2_score(true, predicted, multioutput="raw_values"))
    np.testing.assert_allclose(
        scored.per_value["mae"], metrics.mean_absolute_error(true, predicted, multioutput="raw_values")
    )
    rmse = metrics.root_mean_squared_error(true, predicted, multioutput="raw_values")
    np.testing.assert_allclose(scored.per_value["rmse"], rmse)
    assert scored.metrics["r2"] == pytest.approx(metrics.r2_score(true, predicted))
    assert scored.metrics["rmse_in_sd"] == pytest.approx((rmse / [9, 40]).mean())
    assert "mae" not in scored.metrics
    assert (scored.per_value["r2_low"] < scored.per_value["r2"]).all()
    assert (scored.per_value["r2"] < scored.per_value["r2_high"]).all()
    assert scored.metrics["interval_coverage"] is None
    assert len(scored.coverage) == 0


@pytest.mark.parametrize(("offset", "sd"), [(100_000, 3), (16_000_000, 20), (-1, 1e-3)])
def test_r2_of_values_far_from_zero_is_that_of_scikit_learn(rng, offset, sd):
    true = np.rint((offset + sd * rng.standard_normal((60, 1))) / sd * 3) * sd / 3
    predicted = true + sd * rng.standard_normal(true.shape) / 3
    scored = regression.score(true, predicted, ["Pa"], [""], np.array([sd]), np.zeros((0, 1)))
    assert scored.metrics["r2"] == pytest.approx(metrics.r2_score(true, predicted), rel=1e-6)
    assert scored.metrics["r2_low"] < scored.metrics["r2"] < scored.metrics["r2_high"]


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e5 + 0.3, 1e-20, 0])
def test_equal_values_have_no_r2(rng, value):
    true = np.full((50, 1), value)
    scored = regression.score(true, true + rng.normal(size=(50, 1)), ["v"], [""], np.ones(1), np.zeros((0, 1)))
    assert [scored.metrics[name] for name in ("r2", "r2_low", "r2_high")] == [None] * 3
    # A resample of equal values among others.
    counts = np.array([[2.0, 2, 0, 0], [0, 0, 2, 2], [2, 0, 2, 0]])
    true = np.array([[value], [value], [value + 1], [value + 1]])
    assert np.isfinite(regression._values(true, true, counts)["r2"]).tolist() == [[False], [False], [True]]


def test_conformal_intervals_are_order_statistics_and_hold_their_level(rng):
    errors = np.arange(1.0, 10)[:, np.newaxis]
    assert value_intervals.half_widths(errors, 0.9) == [9]
    assert value_intervals.half_widths(errors, 0.5) == [5]
    assert np.isnan(value_intervals.half_widths(errors, 0.95)).all()
    seen, unseen = np.abs(rng.normal(size=(400, 1))), np.abs(rng.normal(size=(2000, 1)))
    table = value_intervals.coverage(unseen, rng.normal(size=(2000, 1)), seen, ["age"])
    of_all = table[table["part"] == "all"]
    np.testing.assert_allclose(of_all["coverage"], of_all["level"], atol=0.06)
    assert table[table["level"] == 0.9]["examples"].tolist()[0] == 2000
    assert sum(table[table["level"] == 0.9]["examples"].tolist()[1:]) == 2000


def test_chance_of_labels(rng):
    answers, logits = labelled(rng)
    fact = chance_by_task.of_labels(answers, logits, NAMES)
    assert fact["at_chance"] is False
    assert fact["sentence"] == fact["headline"] == ""
    assert fact["macro_auroc"] == pytest.approx(metrics.roc_auc_score(answers, logits))
    noise = rng.normal(size=(200, 3))
    blind = chance_by_task.of_labels(answers, noise, NAMES)
    assert blind["at_chance"] is True
    assert "better than chance: macro AUROC" in blind["sentence"]
    one = chance_by_task.of_labels(answers, np.column_stack([logits[:, :1], noise[:, 1:]]), NAMES)
    assert one["labels_at_chance"] == NAMES[1:]
    assert "MI" in one["labels_sentence"]
    assert chance_by_task.of_labels(np.ones((9, 2)), np.zeros((9, 2)), NAMES[:2])["at_chance"] is None


def test_a_model_that_knows_nothing_of_the_labels_is_rarely_said_to_be_better(rng):
    said = 0
    for _ in range(60):
        answers, _ = labelled(rng, 60)
        said += chance_by_task.of_labels(answers, rng.normal(size=(60, 3)), NAMES)["at_chance"] is False
    assert said <= 6


def test_chance_of_values(rng):
    true = rng.normal(60, 10, (150, 1))
    means, spread = np.array([60.0]), np.array([10.0])
    assert chance_by_task.of_values(true, true + rng.normal(0, 5, (150, 1)), means, spread)["at_chance"] is False
    constant = chance_by_task.of_values(true, np.full((150, 1), 60.0), means, spread)
    assert constant["at_chance"] is True
    assert constant["r2_against_training_mean"] == 0
    assert "no better than the mean of the training examples" in constant["sentence"]
    # The order of the predictions is right, their level is not.
    assert chance_by_task.of_values(true, true - 100, means, spread)["at_chance"] is False
    wild = chance_by_task.of_values(true, rng.normal(60, 30, (150, 1)), means, spread)
    assert wild["at_chance"] is True
    assert wild["r2_against_training_mean"] < 0
    assert chance_by_task.of_values(np.full((9, 1), 3.0), true[:9], means, spread)["at_chance"] is None


def test_all_files_of_several_labels_are_written(tmp_path, rng):
    answers, logits = labelled(rng)
    seen = by_task.Validation(*labelled(rng, 80))
    by_task.write(tmp_path, MULTI_LABEL, {"classes": NAMES}, answers, logits, seen, None)
    expected = {"confusion_per_label.csv", "per_label.csv", "reliability_per_label.csv", "thresholds.json"}
    expected |= {"chance.json", "metrics.json", "predictions.csv", "predictions.npz"}
    assert {path.name for path in tmp_path.iterdir()} == expected
    at = files.read_json(tmp_path / "thresholds.json")
    assert at == dict(zip(NAMES, thresholds.of_labels(*seen).tolist(), strict=True))
    assert tables.read(tmp_path / "per_label.csv", words=("label",))["label"].tolist() == NAMES
    arrays = files.read_arrays(tmp_path / "predictions.npz")
    np.testing.assert_array_equal(arrays["labels"], answers)
    np.testing.assert_array_equal(arrays["probabilities"], sigmoid(logits))
    by_task.write(tmp_path, MULTI_LABEL, {"classes": NAMES}, answers, logits, None, None)
    assert set(files.read_json(tmp_path / "thresholds.json").values()) == {0.5}
    assert "the data are not divided" in files.read_json(tmp_path / "metrics.json")["notes"][0]


def test_all_files_of_a_regression_are_written(tmp_path, rng):
    true = rng.normal(60, 10, (90, 1)).astype(np.float32)
    predicted = (true + rng.normal(0, 4, (90, 1))).astype(np.float32)
    data = {"classes": ["age"], "units": ["years"], "value_statistics": {"age": {"mean": 60.0, "sd": 10.0}}}
    seen = by_task.Validation(true[:40], true[:40] + np.float32(2))
    by_task.write(tmp_path, REGRESSION, data, true, predicted, seen, None)
    expected = {"chance.json", "coverage.csv", "metrics.json", "per_value.csv", "predictions.csv", "predictions.npz"}
    assert {path.name for path in tmp_path.iterdir()} == expected
    table = tables.read(tmp_path / "predictions.csv")
    np.testing.assert_allclose(table["high_age"] - table["predicted_age"], 2, atol=1e-5)
    assert files.read_json(tmp_path / "metrics.json")["mae"] == pytest.approx(np.abs(predicted - true).mean())
    assert "probabilities" not in files.read_arrays(tmp_path / "predictions.npz")
    few = by_task.Validation(true[:4], true[:4])
    by_task.write(tmp_path, REGRESSION, data, true, predicted, few, None)
    assert "4 validation examples are too few" in files.read_json(tmp_path / "metrics.json")["notes"][0]


def test_a_table_of_many_labels_has_the_most_probable_ones(rng):
    names = [f"label {place}" for place in range(30)]
    p = rng.random((4, 30))
    table = of_labels(None, p, np.full(30, 0.9), names)
    np.testing.assert_array_equal(table["p_top_1"], p.max(1))
    assert list(table["predicted"]) == ["; ".join(np.array(names)[row >= 0.9]) for row in p]


def test_chance_over_groups_of_labels_and_values(rng):
    """Each patient has a label, and scores of its own that know nothing: shuffled examples would be too kind."""
    better = {"examples": 0, "groups": 0}
    for trial in range(15):
        luck = np.random.default_rng([3, trial])
        patients = np.repeat(np.arange(16), luck.integers(2, 15, 16))
        has = (np.arange(16) % 2 == 0)[patients, np.newaxis].astype(np.uint8)
        scores = luck.normal(size=16)[patients, np.newaxis] + 0.3 * luck.normal(size=(len(patients), 1))
        for kind, groups in (("examples", None), ("groups", patients)):
            better[kind] += not chance_by_task.of_labels(has, scores, ["AF"], groups)["at_chance"]
    assert better["examples"] > better["groups"] <= 2
    known = chance_by_task.of_labels(has, scores + 3 * has, ["AF"], patients)
    assert (known["at_chance"], known["test_groups"]) == (False, 16)
    # The first row of the signed areas is the measured one, as counted by pairs.
    assert known["macro_auroc"] == pytest.approx(metrics.roc_auc_score(has, scores + 3 * has))
    true = rng.normal(size=16)[patients, np.newaxis]
    guess, constant = rng.normal(size=16)[patients, np.newaxis], (np.zeros(1), np.ones(1))
    assert chance_by_task.of_values(true, guess, *constant, patients)["at_chance"]
    fact = chance_by_task.of_values(true, true + 0.3 * guess, *constant, patients)
    assert (fact["at_chance"], fact["test_groups"]) == (False, 16)
    few = regression.score(true, guess, ["age"], [""], np.ones(1), np.abs(rng.normal(size=(40, 1))), patients % 4)
    assert few.metrics["r2_low"] is None
    assert few.coverage[["coverage_low", "coverage_high"]].isna().all(axis=None)
