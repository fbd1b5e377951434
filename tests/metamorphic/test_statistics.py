"""What must not change a number, and numbers against independent computations, on random and on extreme inputs."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid import files, plugins
from pellucid.compare import leaderboard
from pellucid.evaluate.run import calibration, scores
from pellucid.logits import log_odds
from pellucid.prepare.example_selection import choose_indices
from pellucid.ranks import tied_ranks
from pellucid.score.shared.comparable_means import comparable
from pellucid.score.shared.similarity import overlap, spearman
from pellucid.shares import ceil_of, round_of
from tests.bench.coverage import coverage

few = settings(derandomize=True, max_examples=25, deadline=None)
seeds = st.integers(0, 2**31)


# Ranks


@few
@given(seeds, st.integers(2, 3000), st.sampled_from([2, 8, 2**30]))
def test_a_map_agrees_with_itself_by_exactly_one(seed, size, levels):
    rng = np.random.default_rng(seed)
    maps = (rng.integers(levels, size=(3, size)) * rng.lognormal(0, 3)).astype(np.float32)
    np.testing.assert_array_equal(spearman(maps, maps), 1.0)
    np.testing.assert_array_equal(spearman(maps, 2 * maps), 1.0)


@few
@given(seeds)
def test_rank_correlation_with_ties_is_scipys_of_rounded_values(seed):
    from scipy.stats import spearmanr

    rng = np.random.default_rng(seed)
    first, second = (np.round(rng.normal(size=(2, 200)), 1).astype(np.float32) for _ in range(2))
    noisy = first.astype(np.float64) + 1e-12 * rng.normal(size=first.shape)
    expected = [spearmanr(a, b).statistic for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(spearman(first, second), expected, atol=1e-12)
    np.testing.assert_allclose(spearman(noisy, second), expected, atol=1e-12)
    np.testing.assert_array_equal(
        overlap(np.abs(noisy), np.abs(second), 0.1), overlap(np.abs(first), np.abs(second), 0.1)
    )


@few
@given(seeds, st.integers(2, 25), st.booleans())
def test_ranks_ignore_noise_scale_and_order(seed, number, lower):
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(size=number), 1)
    values[rng.random(number) < 0.1] = np.nan
    ranks = tied_ranks(values, lower=lower)
    np.testing.assert_array_equal(tied_ranks(values + 1e-12 * rng.normal(size=number), lower=lower), ranks)
    np.testing.assert_array_equal(tied_ranks(values * 7.3, lower=lower), ranks)
    np.testing.assert_array_equal(tied_ranks(np.exp(values), lower=lower), ranks)
    order = rng.permutation(number)
    np.testing.assert_array_equal(tied_ranks(values[order], lower=lower), ranks[order])


def test_zeros_with_noise_are_equal(rng):
    values = np.zeros(6) + 1e-12 * rng.normal(size=6)
    assert tied_ranks(values).tolist() == [3.5] * 6
    assert tied_ranks(np.array([*values, 0.3, np.inf, np.nan])).tolist()[:8] == [3.5] * 6 + [7, 8]
    assert np.isnan(tied_ranks(np.ones(1))).all()


def board(folder, values):
    """The leaderboard of values (N,) by label, as the stage of the scores would hand them over."""
    means, count = comparable(values)
    rows = [
        {
            "explanation": label,
            "method": label,
            "metric": "max_sensitivity",
            "class": "all",
            "mean": np.nan if np.isnan(value).all() else np.nanmean(value),
            "low": np.nan,
            "high": np.nan,
            "examples": int(np.isfinite(value).sum()),
            "interval": "none",
            "comparable mean": means[label],
            "comparable examples": count,
        }
        for label, value in values.items()
    ]
    folder.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(folder / "s.csv", index=False)
    tables = {"table": folder / "l.csv", "metrics": folder / "m.csv"}
    leaderboard.run(scores={"sensitivity": folder / "s.csv"}, checks=None, **tables)
    return pd.read_csv(folder / "l.csv", index_col=0)


def test_a_leaderboard_depends_neither_on_noise_nor_on_order(tmp_path, rng):
    labels = ["saliency", "occlusion", "rise", "lime", "cam", "all_equal"]
    values = {label: np.round(rng.random(8), 1) for label in labels}
    values["rise"] = values["lime"].copy()
    values["cam"][:2] = np.nan
    whole = board(tmp_path / "a", values)
    noisy = board(tmp_path / "b", {label: values[label] + 1e-12 * rng.normal(size=8) for label in reversed(labels)})
    examples = rng.permutation(8)
    mixed = board(tmp_path / "c", {label: 3 * values[label][examples] for label in labels})
    column = "sensitivity.max_sensitivity rank"
    for other in (noisy, mixed):
        assert list(other.index) == list(whole.index)
        np.testing.assert_array_equal(other[column], whole[column])
    assert whole.loc["rise", column] == whole.loc["lime", column]


def test_means_are_ranked_over_the_same_examples_alone(tmp_path):
    hard = np.array([9.0, 9.0, 1.0, 1.0, 1.0, 1.0])
    # The gap leaves out the two hard examples: by its own mean it would be the best.
    gap = np.where(hard > 5, np.nan, hard + 0.5)
    sparse = np.array([np.nan] * 5 + [0.1])
    table = board(
        tmp_path, {"saliency": hard, "cam": gap, "rise": hard + 1, "lime": sparse, "occlusion": hard * np.nan}
    )
    ranks = table["sensitivity.max_sensitivity rank"].dropna().to_dict()
    assert ranks == {"saliency": 1, "cam": 2, "rise": 3}


@pytest.mark.parametrize("values", [{"rise": np.ones(3)}, {"rise": np.full(3, np.nan), "lime": np.full(3, np.nan)}])
def test_nothing_to_compare_gives_no_rank(tmp_path, values):
    table = board(tmp_path, values)
    assert table[["sensitivity.max_sensitivity rank", "mean rank"]].isna().all(axis=None)


# Intervals


@pytest.mark.parametrize(("name", "least"), [("normal", 0.92), ("log-normal (σ = 1)", 0.85), ("proportion 0.95", 0.94)])
def test_intervals_cover_what_they_say(name, least):
    for number in (2, 3, 4, 7, 15, 30):
        share = coverage(name, number, 100)
        assert share is None or share >= least, number
    assert coverage(name, 4, 2) is not None


# Metrics


@few
@given(seeds, st.integers(2, 6), st.sampled_from([1, 30, 1000]))
def test_metrics_are_those_of_scikit_learn_however_sure_the_model(seed, classes, scale):
    from scipy.special import log_softmax
    from sklearn import metrics

    rng = np.random.default_rng(seed)
    y, logits = rng.integers(classes, size=60), (scale * rng.normal(size=(60, classes))).astype(np.float32)
    overall, per_class, _ = scores(y, logits, [str(label) for label in range(classes)])
    wide = logits.astype(np.float64)
    assert overall["log_loss"] == pytest.approx(-log_softmax(wide, axis=1)[np.arange(60), y].mean())
    assert overall["accuracy"] == metrics.accuracy_score(y, wide.argmax(1))
    assert overall["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(y, wide.argmax(1)))
    for label in np.unique(y):
        others = np.delete(wide, label, axis=1)
        odds = wide[:, label] - np.logaddexp.reduce(others, axis=1)
        assert per_class["auroc"][label] == pytest.approx(metrics.roc_auc_score(y == label, odds))
        np.testing.assert_allclose(log_odds(logits)[:, label], odds, rtol=1e-9, atol=1e-9)


def test_a_sure_model_is_not_capped():
    y = np.array([0, 0, 1, 1])
    logits = np.array([[100, 0], [90, 0], [80, 0], [2000, 0]], np.float32)
    overall, per_class, _ = scores(y, logits, ["a", "b"])
    assert overall["log_loss"] == pytest.approx((80 + 2000) / 4)
    assert per_class["auroc"].to_list() == [0.5, 0.5]
    perfect = np.array([[100, 0], [90, 0], [80, 0], [70, 0]], np.float32)
    assert scores(y, perfect, ["a", "b"])[0]["macro_auroc"] == 1
    rng = np.random.default_rng(0)
    assert choose_indices(np.zeros(4, int), perfect, 2, "most_confident", rng).tolist() == [0, 1]
    assert choose_indices(np.zeros(4, int), perfect, 2, "least_confident", rng).tolist() == [3, 2]


def test_what_the_test_set_lacks_is_undefined(tmp_path):
    overall, per_class, _ = scores(np.array([0, 0, 1]), np.eye(3, dtype=np.float32)[[0, 2, 1]], ["a", "b", "c"])
    assert per_class.loc[2, ["precision", "recall", "f1", "auroc"]].isna().all()
    assert overall["balanced_accuracy"] == pytest.approx((0.5 + 1) / 2)
    files.write_json(tmp_path / "metrics.json", scores(np.zeros(3, int), np.eye(3)[[0, 1, 0]], ["a", "b", "c"])[0])


def test_a_confidence_on_an_edge_is_in_the_bin_below():
    p = np.array([[k / 15, *np.full(14, (1 - k / 15) / 14)] for k in range(2, 16)])
    table = calibration(np.zeros(14, int), p)
    assert table["examples"].to_list() == [0, *[1] * 14]


# Shares and declarations


@few
@given(st.integers(0, 1000), st.integers(0, 10**6))
def test_a_share_of_a_whole_is_exact(thousandths, whole):
    assert ceil_of(thousandths / 1000, whole) == -(-thousandths * whole // 1000)
    assert abs(2000 * round_of(thousandths / 1000, whole) - 2 * thousandths * whole) <= 1000


def test_seven_hundredths_of_a_hundred_are_seven():
    maps = np.arange(100, dtype=np.float32)[np.newaxis]
    assert ceil_of(0.07, 100) == 7
    # Of the strongest 7 the second map has the same 6: 8 would be 7 of 8.
    other = maps.copy()
    other[0, [93, 92]] = other[0, [92, 93]]
    assert overlap(maps, other, 0.07)[0] == pytest.approx(6 / 7)


def test_gradients_are_declared():
    declared = {name for name, module in plugins.load("explain").items() if module.SPEC.is_gradient}
    assert declared == {"saliency", "smoothgrad", "guided_backpropagation", "deconvnet", "guided_grad_cam"}
