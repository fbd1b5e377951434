"""Splits: every seed draws its own, every group has its chance, and shares are met as nearly as whole groups allow."""

import logging
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.datasets.base import Examples, RawData
from pellucid.errors import InputError
from pellucid.prepare import group_split
from pellucid.prepare.split import SPLITS, divide, in_folds, stratified
from pellucid.prepare.split_shares import line, reached

few = settings(derandomize=True, max_examples=15, deadline=None)


def groups_of(sizes, rng, classes=3):
    """Labels and groups of so many examples each; a group has classes of its own shares."""
    y = np.concatenate([rng.choice(classes, size, p=rng.dirichlet(np.ones(classes))) for size in sizes])
    return y, np.repeat([f"g{place:03d}" for place in range(len(sizes))], sizes)


@pytest.mark.parametrize("share", [0.2, 0.4])
@pytest.mark.parametrize("equal", [True, False])
def test_every_seed_draws_its_own_groups_and_each_has_its_chance(share, equal):
    rng = np.random.default_rng(7)
    sizes = np.full(30, 12) if equal else rng.integers(4, 30, 30)
    y, group = groups_of(sizes, rng)
    names, tested, errors = np.unique(group), [], []
    for seed in range(40):
        rest, drawn = group_split.draw(y, group, share, np.random.default_rng(seed), left=2)
        assert not set(group[rest]) & set(group[drawn])
        assert len(rest) + len(drawn) == len(y)
        assert abs(len(drawn) / len(y) - share) < 0.02
        tested.append(frozenset(group[drawn]))
        errors.append(np.abs([(y[drawn] == k).sum() / (y == k).sum() - share for k in range(3)]).max())
    assert len(set(tested)) >= 39
    counts = np.array([sum(name in one for one in tested) for name in names])
    expected = counts.mean()
    chi = ((counts - expected) ** 2 / (expected * (1 - expected / 40))).sum()
    assert counts.min() > 0
    assert chi < 60  # 29 degrees of freedom: above it with a chance of 0.0006
    # Orders drawn blindly are off by 0.1 and more.
    assert np.mean(errors) < 0.07


@few
@given(st.integers(0, 2**31), st.integers(3, 9), st.sampled_from([0.07, 0.25, 0.4, 0.6, 0.8]))
def test_no_subset_of_few_groups_is_nearer_to_the_share(seed, number, share):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 60, number)
    y, group = groups_of(sizes, rng, classes=1)
    _, drawn = group_split.draw(y, group, share, rng)
    nearest = min(
        abs(sizes[list(chosen)].sum() / sizes.sum() - share)
        for count in range(1, number)
        for chosen in combinations(range(number), count)
    )
    assert abs(len(drawn) / len(y) - share) <= nearest + 0.015


def test_folds_are_drawn_anew_and_hold_every_group_once():
    rng = np.random.default_rng(3)
    y, group = groups_of(rng.integers(4, 30, 30), rng)
    seen = set()
    for seed in range(20):
        folds = in_folds(y, group, 5, np.random.default_rng(seed))
        tested = [frozenset(group[fold]) for _, fold in folds]
        assert sorted(name for fold in tested for name in fold) == sorted(set(group))
        assert all(abs(len(fold) / len(y) - 0.2) < 0.03 for _, fold in folds)
        seen.add(frozenset(tested))
    assert len(seen) == 20


def test_two_folds_leave_groups_for_training_and_validation():
    y, group = np.tile([0, 1], 100), np.repeat(["a", "b", "c", "d"], [140, 20, 20, 20])
    for fold in (0, 1):
        splits = divide(raw(y, group), test=0.2, validation=0.3, folds=2, fold=fold, rng=np.random.default_rng(0))
        assert all(len(splits[name].y) for name in SPLITS)


def test_a_class_of_two_groups_is_on_both_sides():
    y = np.repeat([0, 0, 0, 0, 0, 0, 1, 1], 10)
    group = np.repeat([f"g{place}" for place in range(8)], 10)
    for seed in range(20):
        rest, drawn = group_split.draw(y, group, 0.25, np.random.default_rng(seed))
        assert set(y[rest]) == set(y[drawn]) == {0, 1}


def raw(y, group):
    x = np.arange(len(y), dtype=np.float32)[:, np.newaxis, np.newaxis]
    return RawData(Examples(x, y, group=group), None, ("a", "b", "c")[: y.max() + 1], ("x",))


def test_what_whole_groups_cannot_do_is_said_by_name(caplog):
    caplog.set_level(logging.WARNING)
    y = np.concatenate([np.tile([0, 1], 45), np.zeros(10, int), np.full(4, 2)])
    group = np.repeat(["huge", "small", "rare"], [90, 10, 4])
    data = raw(y, group)
    splits = divide(data, test=0.5, validation=0.2, rng=np.random.default_rng(0))
    shares = reached(splits, data.classes, {"test": 0.5, "validation": 0.2}, own_test=False)
    assert shares["test"]["share"] == pytest.approx(len(splits["test"].y) / len(y))
    assert shares["test"]["groups"] == 1
    assert "50.0% asked for" in line(shares)
    assert 'class "c" is in one group only ("rare")' in caplog.text
    assert 'come from one group ("huge")' in caplog.text
    with pytest.raises(InputError, match="huge, small"):
        divide(raw(y[:100], group[:100]), test=0.5, validation=0.2, rng=np.random.default_rng(0))


@few
@given(st.integers(0, 2**31), st.sampled_from([0.07, 0.15, 0.2, 0.35]))
def test_splits_by_example_are_exact_in_every_class_and_differ_by_seed(seed, share):
    y = np.repeat([0, 1, 2], [100, 200, 40])
    rest, drawn = stratified(y, share, np.random.default_rng(seed))
    assert [(y[drawn] == k).sum() for k in range(3)] == [round(round(share * 100) * n / 100) for n in (100, 200, 40)]
    assert len(np.union1d(rest, drawn)) == len(y)
    assert set(drawn) != set(stratified(y, share, np.random.default_rng(seed + 1))[1])


def test_the_splits_keep_groups_apart_for_every_seed():
    rng = np.random.default_rng(1)
    y, group = groups_of(rng.integers(4, 30, 12), rng)
    for seed in range(10):
        splits = divide(raw(y, group), test=0.3, validation=0.3, rng=np.random.default_rng(seed))
        parts = [set(splits[name].group) for name in SPLITS]
        assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
