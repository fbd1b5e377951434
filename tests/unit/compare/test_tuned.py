"""Parameters chosen on one half of the examples, and judged on the other."""

import numpy as np
import pytest

from pellucid import files, tables
from pellucid.compare.tuned import BETTER, SAME, UNKNOWN, best, in_halves, run, tuned
from pellucid.draw import tuned as figure
from pellucid.errors import InputError
from pellucid.score.shared.example_groups import members_of
from tests.support import svg

LABELS = ["occlusion.window=1", "occlusion.window=2", "occlusion.window=auto"]
COMPARED = {
    "score": "deletion_insertion",
    "metric": "insertion_less_deletion",
    "methods": {"occlusion": {"variants": LABELS, "default": LABELS[2]}},
}


def scores_of(values):
    """Return the content of `scores.npz`, whose metric has two kinds of fills with the values (variants, N) as mean."""
    arrays = {}
    for label, row in zip(LABELS, values, strict=True):
        arrays[f"{label}/insertion_less_deletion.mean"] = row + 0.3
        arrays[f"{label}/insertion_less_deletion.blur"] = row - 0.3
    return arrays


def halves_of(number):
    return np.arange(number) % 2 == 0


def test_a_variant_that_is_better_everywhere_is_chosen_and_gains_its_difference():
    rng = np.random.default_rng(0)
    default = rng.normal(0, 1, 40)
    found = tuned(COMPARED, scores_of([default + 0.25, default - 1, default]), halves_of(40), None, seed=1)
    assert list(found["explanation"][found["is chosen"]]) == [LABELS[0]]
    assert list(found["chosen by"]) == [2, 0, 0]
    np.testing.assert_allclose(found["gain"], 0.25)
    assert set(found["verdict"]) == {BETTER}
    np.testing.assert_allclose(found["mean"], [default.mean() + 0.25, default.mean() - 1, default.mean()])


@pytest.mark.parametrize(("number", "verdict"), [(4, UNKNOWN), (5, UNKNOWN), (6, BETTER)])
def test_equal_gains_of_few_examples_show_nothing(number, verdict):
    values = np.zeros((3, number))
    values[0] = 1
    found = tuned(COMPARED, scores_of(values), halves_of(number), None, seed=1)
    # The two-sided sign test of as many gains of one sign.
    from scipy.stats import binomtest

    assert set(found["verdict"]) == {verdict}
    assert (binomtest(number, number).pvalue < 0.05) == (verdict == BETTER)


def test_of_variants_that_differ_by_chance_the_gain_is_near_none():
    rng = np.random.default_rng(1)
    gains, naive, shown = [], [], 0
    for _ in range(200):
        values = rng.normal(0, 1, (3, 30))
        found = tuned(COMPARED, scores_of(values), halves_of(30), None, seed=1)
        gains.append(found["gain"][0])
        naive.append(values.mean(1).max() - values[2].mean())
        shown += found["verdict"][0] != SAME
    # By the examples that chose it, the best of three seems better; on the other half it is not.
    assert np.mean(naive) > 0.12
    assert abs(np.mean(gains)) < 4 * np.std(gains) / np.sqrt(200)
    assert shown <= 0.1 * 200


def test_examples_without_a_value_in_one_variant_do_not_count():
    values = np.ones((3, 12))
    values[0] += 1
    values[1, :6] = np.nan
    found = tuned(COMPARED, scores_of(values), halves_of(12), None, seed=1)
    assert set(found["examples"]) == {6}
    values[1] = np.nan
    found = tuned(COMPARED, scores_of(values), halves_of(12), None, seed=1)
    assert set(found["verdict"]) == {UNKNOWN}
    assert list(found["is chosen"]) == [False, False, True]


@pytest.mark.parametrize(("members", "verdict"), [(None, UNKNOWN), (np.zeros(12, np.int64), "too few groups")])
def test_a_half_without_any_value_chooses_nothing(members, verdict, tmp_path):
    rng = np.random.default_rng(5)
    values = np.stack([np.ones(12), np.zeros(12), np.zeros(12)]) + rng.normal(0, 0.01, 12)
    halves = halves_of(12)
    values[:, ~halves] = np.nan
    found = tuned(COMPARED, scores_of(values), halves, members, seed=1)
    # The half that has values chooses the first variant, and there is nothing by which the choice could be judged.
    assert list(found["chosen by"]) == [1, 0, 0]
    assert set(found["verdict"]) == {verdict}
    assert found[["gain", "low", "high"]].isna().all(axis=None)
    tables.write(tmp_path / "tuned.csv", found)
    figure.draw(
        title="A", score=COMPARED["score"], table=tmp_path / "tuned.csv", pictures=[picture := tmp_path / "tuned.svg"]
    )
    assert f"{verdict} (6 examples)" in " ".join(svg.words(picture))


def test_a_metric_may_have_the_name_of_curves_and_must_have_values():
    arrays, shift = {}, 0.5
    for label, value in zip(LABELS, (1.0, 2.0, 3.0), strict=True):
        for fill in ("mean", "zero"):
            arrays[f"{label}/deletion.{fill}"] = np.full(12, value) + (shift if fill == "zero" else 0)
            arrays |= {f"{label}/deletion.{fill}/x": np.arange(5.0), f"{label}/deletion.{fill}/y": np.ones((12, 5))}
    found = tuned({**COMPARED, "metric": "deletion"}, arrays, halves_of(12), None, seed=1)
    assert list(found["mean"]) == [1.25, 2.25, 3.25]
    # Less is better.
    assert list(found["is chosen"]) == [True, False, False]
    with pytest.raises(InputError, match="tune.metric: found deletion.noise, .* expected deletion.mean, deletion.zero"):
        tuned({**COMPARED, "metric": "deletion.noise"}, arrays, halves_of(12), None, seed=1)


@pytest.mark.parametrize(("values", "expected"), [([[1, 1], [1, 1]], 1), ([[2, 2], [1, 1]], 0), ([[], []], 1)])
def test_the_default_is_chosen_where_none_is_better(values, expected):
    assert best(np.array(values, np.float64), default=1) == expected


def test_halves_have_half_of_each_class_and_whole_groups():
    rng = np.random.default_rng(2)
    labels = np.repeat([0, 1, 2], [5, 7, 8])
    first = in_halves(labels, None, rng)
    assert first.sum() == 10
    assert [int(first[labels == label].sum()) for label in range(3)] in ([3, 3, 4], [3, 4, 4], [3, 4, 3], [2, 4, 4])
    members = rng.choice(["a", "b", "c", "d", "e", "f"], len(labels))
    first = in_halves(labels, members, rng)
    assert all(len(set(first[members == name])) == 1 for name in set(members))
    assert 5 <= first.sum() <= 15


def test_an_example_that_stands_for_two_labels_is_in_one_half_and_counts_once():
    indices = np.repeat(np.arange(12), 2)
    labels = np.tile([0, 1], 12)
    members = members_of(indices, None)
    for seed in range(5):
        first = in_halves(labels, members, np.random.default_rng(seed))
        assert (first[::2] == first[1::2]).all()
        assert first.sum() == 12
    # Examples that are there once need no groups, and named groups hold all rows of an example.
    assert members_of(indices[::2], None) is None
    assert list(members_of(np.array([2, 0, 2]), np.array(["a", "b", "c"]))) == ["c", "a", "c"]


def test_groups_are_the_units_of_the_interval():
    rng = np.random.default_rng(3)
    default = rng.normal(0, 0.1, 60)
    members = np.repeat([f"recording {number}" for number in range(6)], 10)
    of_group = np.repeat(rng.normal(5, 1, 6), 10)
    arrays = scores_of([default + of_group, default - 9, default])
    halves = in_halves(np.zeros(60, np.int64), members, rng)
    single = tuned(COMPARED, arrays, halves, None, seed=1).iloc[0]
    grouped = tuned(COMPARED, arrays, halves, members, seed=1).iloc[0]
    # Ten examples of one recording are no more than one.
    assert grouped["high"] - grouped["low"] > 2 * (single["high"] - single["low"])
    assert (grouped["examples"], grouped["groups"], "groups" in single) == (60, 6, False)
    few = np.where(members == "recording 5", "recording 4", members)
    few = np.where(few == "recording 3", "recording 2", few)
    found = tuned(COMPARED, arrays, in_halves(np.zeros(60, np.int64), few, rng), few, seed=1).iloc[0]
    assert (found["verdict"], found["groups"]) == ("too few groups", 4)
    assert np.isnan(found["low"])


def test_from_the_files_to_the_figure(tmp_path):
    rng = np.random.default_rng(4)
    labels = np.repeat([0, 1], 10)
    files.write_arrays(tmp_path / "scores.npz", scores_of(rng.normal(0, 1, (3, 20))))
    files.write_arrays(tmp_path / "examples.npz", {"labels": labels, "indices": np.arange(20)[::-1]})
    files.write_arrays(tmp_path / "groups.npz", {})
    run(
        compared=COMPARED, values=tmp_path / "scores.npz", examples=tmp_path / "examples.npz",
        groups=tmp_path / "groups.npz", seed=1, table=tmp_path / "tuned.csv",
    )  # fmt: skip
    assert list(tables.read(tmp_path / "tuned.csv")["explanation"]) == LABELS
    figure.draw(
        title="Digits", score="deletion_insertion", table=tmp_path / "tuned.csv", pictures=[tmp_path / "tuned.png"]
    )
    assert (tmp_path / "tuned.png").stat().st_size > 10_000
