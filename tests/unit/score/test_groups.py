"""Intervals over groups of examples: recordings or patients, whose examples are alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.score.base import Explanation, ScoreContext
from pellucid.score.run import scored
from pellucid.score.shared import bootstrap
from pellucid.score.shared.bootstrap import group_error, interval


def _residuals(values, codes):
    sizes = np.bincount(codes).astype(float)
    return np.bincount(codes, values - values.mean()), sizes


@pytest.fixture
def alike(rng):
    """Values of 12 groups of unequal size, of which half of the variance is the group's, and the groups."""
    sizes = rng.integers(1, 12, 12)
    codes = np.repeat(np.arange(12), sizes)
    return rng.normal(size=12)[codes] + rng.normal(size=len(codes)), codes


def test_of_equal_groups_the_error_is_that_of_liang_and_zeger(rng):
    values, codes = rng.normal(size=60), np.repeat(np.arange(6), 10)
    # One minus the mean as a regression on a constant: bread (1 / N), meat (squared sums of residuals).
    sums = [(values - values.mean())[codes == group].sum() for group in range(6)]
    closed = np.sqrt(6 / 5 * np.sum(np.square(sums))) / 60
    assert group_error(*_residuals(values, codes)) == pytest.approx(closed, rel=1e-12)
    # The same, from the means of the groups.
    means = values.reshape(6, 10).mean(1)
    assert closed == pytest.approx(means.std(ddof=1) / np.sqrt(6), rel=1e-12)


def test_the_error_is_that_of_means_without_each_group_in_turn(alike):
    values, codes = alike
    without = np.array([values[codes != group].mean() for group in range(12)])
    jackknife = np.sqrt(11 / 12 * ((without - values.mean()) ** 2).sum())
    assert group_error(*_residuals(values, codes)) == pytest.approx(jackknife, rel=1e-9)


def test_covers_the_mean_of_all_groups_where_an_interval_over_examples_does_not():
    inside, trials = {"over examples": 0, "over groups": 0}, 80
    for trial in range(trials):
        rng = np.random.default_rng([5, trial])
        codes = np.repeat(np.arange(15), rng.integers(2, 14, 15))
        # Two thirds of the variance are the group's.
        values = np.sqrt(2) * rng.normal(size=15)[codes] + rng.normal(size=len(codes))
        for kind, groups in (("over examples", None), ("over groups", codes)):
            found = interval(values, rng, groups=groups)
            inside[kind] += found.low <= 0 <= found.high
    shares = {kind: count / trials for kind, count in inside.items()}
    print(shares)
    assert shares["over examples"] < 0.7
    assert 0.92 <= shares["over groups"] <= 1


def test_a_proportion_over_groups_covers_and_keeps_its_range():
    inside, trials = {"over examples": 0, "over groups": 0}, 300
    for trial in range(trials):
        rng = np.random.default_rng([6, trial])
        codes = np.repeat(np.arange(12), rng.integers(2, 14, 12))
        values = (rng.random(len(codes)) < rng.beta(4, 1, 12)[codes]).astype(float)
        for kind, groups in (("over examples", None), ("over groups", codes)):
            found = interval(values, rng, proportion=True, groups=groups)
            assert 0 <= found.low <= found.mean <= found.high <= 1
            inside[kind] += found.low <= 0.8 <= found.high
    print({kind: count / trials for kind, count in inside.items()})
    assert inside["over examples"] / trials < 0.85
    assert inside["over groups"] / trials >= 0.93


def test_where_all_examples_are_right_each_group_counts_as_one():
    from scipy.stats import binomtest

    found = interval(np.ones(100), np.random.default_rng(0), proportion=True, groups=np.repeat(np.arange(10), 10))
    assert found.low == pytest.approx(binomtest(10, 10).proportion_ci(method="exact").low)
    assert (found.high, found.groups, found.method) == (1, 10, "Korn-Graubard, over groups")


def test_few_groups_have_no_interval(rng):
    values = rng.normal(size=40)
    for proportion in (False, True):
        found = interval(values > 0, rng, proportion=proportion, groups=np.arange(40) % 4)
        assert np.isnan([found.low, found.high]).all()
        assert (found.method, found.examples, found.groups) == ("too few groups", 40, 4)
        assert found.mean == (values > 0).mean()
    assert np.isfinite(interval(values, rng, groups=np.arange(40) % 5).low)


def test_groups_of_one_mean_are_no_certainty():
    values, groups = np.tile([0.0, 2.0], 8), np.repeat(np.arange(8), 2)
    found = interval(values, np.random.default_rng(1), groups=groups)
    assert found[:4] == interval(values, np.random.default_rng(1))[:4]
    assert found.high - found.low > 0.5
    assert found.groups == 8


def test_groups_of_one_example_change_nothing(rng):
    values = rng.normal(size=30)
    names = np.array([f"record {number}" for number in rng.permutation(30)])
    for proportion in (False, True):
        content = (values > 0).astype(float) if proportion else values
        with_groups = interval(content, np.random.default_rng(1), proportion=proportion, groups=names)
        assert with_groups == interval(content, np.random.default_rng(1), proportion=proportion)


def test_groups_count_among_defined_values_alone(rng):
    values, groups = rng.normal(size=20), np.repeat(np.arange(10), 2)
    # One example of each group is left: these are independent.
    values[::2] = np.nan
    assert interval(values, np.random.default_rng(1), groups=groups) == interval(values, np.random.default_rng(1))


layouts = st.lists(st.integers(0, 8), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None)
@given(layouts, st.integers(0, 2**31), st.booleans())
def test_properties_of_any_layout_of_groups(layout, seed, proportion):
    groups = np.array(layout)
    rng = np.random.default_rng(seed)
    values = rng.random(len(groups))
    values = (values < 0.7).astype(float) if proportion else values
    case = {"proportion": proportion, "low": 0, "high": 1}
    found = interval(values, np.random.default_rng(2), groups=groups, **case)
    number = len(np.unique(groups))
    assert found.mean == values.mean()
    if number == len(groups):
        assert found == interval(values, np.random.default_rng(2), **case)
        return
    assert found.groups == number
    assert (found.method == "too few groups") == (number < bootstrap.FEWEST_GROUPS)
    assert np.isnan(found.low) == np.isnan(found.high) == (number < bootstrap.FEWEST_GROUPS)
    if number < bootstrap.FEWEST_GROUPS:
        return
    assert 0 <= found.low <= found.mean <= found.high <= 1
    # Neither the names of the groups nor the order of the examples within their groups tells anything.
    named = np.array([f"patient {code:03}" for code in groups])
    assert interval(values, np.random.default_rng(2), groups=named, **case) == found
    order = np.argsort(groups, kind="stable")
    again = interval(values[order], np.random.default_rng(2), groups=groups[order], **case)
    assert again[:3] == pytest.approx(found[:3], abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(st.integers(5, 12), st.integers(2, 6), st.integers(0, 2**31))
def test_copies_of_an_example_add_nothing(number, copies, seed):
    # Each group is one example, several times: the groups say as much as independent examples would.
    values = np.random.default_rng(seed).normal(size=number)
    groups = np.repeat(np.arange(number), copies)
    of_copies = interval(values[groups], np.random.default_rng(2), groups=groups)
    alone = interval(values, np.random.default_rng(2))
    assert of_copies[:3] == pytest.approx(alone[:3], rel=1e-6, abs=1e-9)


def test_an_example_that_is_explained_for_several_labels_is_no_several_examples(rng):
    labels, maps = np.tile([0, 1], 12), np.repeat(rng.random((12, 20, 1), np.float32), 2, axis=0)
    rows = {"inputs": np.zeros((24, 20, 1), np.float32), "targets": labels, "labels": labels}
    case = ScoreContext({"classes": ["a", "b"]}, **rows, indices=np.repeat(np.arange(12), 2))
    content, _ = scored("form", {}, [(Explanation("saliency", "saliency", maps), case)], seed=1)
    of_all, of_class = content[content["over"] == "all"].iloc[0], content[content["class"] == "a"].iloc[0]
    assert (of_all["interval"], of_all["examples"], of_all["groups"]) == ("studentised, over groups", 24, 12)
    assert of_class["interval"] == "studentised"
    # Both labels have the same maps: the second one tells nothing new.
    assert of_all["high"] - of_all["low"] == pytest.approx(of_class["high"] - of_class["low"], rel=0.1)
