"""Ranks over several trainings: from the files of scores to tables and sentences."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau, rankdata

from pellucid import files
from pellucid.compare import block_ranks, study_ranking
from pellucid.compare.told_apart import Comparison

LABELS = ("saliency", "occlusion", "random_attribution")
MEMBERS = {f"s__training_seed_{seed}": {"training.seed": seed} for seed in (1, 2, 3)}


def write_score(folder, metric, values):
    """Write the table and the values of a score, and return their paths."""
    folder.mkdir(parents=True)
    rows = [{"explanation": label, "metric": metric, "over": "all", "class": "all"} for label in values]
    pd.DataFrame(rows).to_csv(folder / "scores.csv", index=False)
    files.write_arrays(folder / "scores.npz", {f"{label}/{metric}": np.array(array) for label, array in values.items()})
    return folder / "scores.csv", folder / "scores.npz"


def test_examples_are_those_that_all_trainings_explain_for_the_same_class():
    explained = [
        {"indices": np.array(indices), "targets": np.array(targets)}
        for indices, targets in (([7, 2, 4], [0, 1, 1]), ([4, 9, 7], [1, 1, 0]), ([4, 7], [1, 2]))
    ]
    assert [rows.tolist() for rows in block_ranks.shared_rows(explained)] == [[2], [0], [0]]
    assert [rows.tolist() for rows in block_ranks.shared_rows(explained[:2])] == [[2, 0], [0, 2]]


def test_only_what_enters_the_mean_rank_of_a_leaderboard_counts(tmp_path):
    given = {
        "localisation": write_score(tmp_path / "a", "relevance_rank", {"saliency": [0.5, 1]}),
        "sensitivity": write_score(tmp_path / "b", "max_sensitivity", {"saliency": [3.0, 4]}),
        "cost": write_score(tmp_path / "c", "seconds", {"saliency": [1.0, 1]}),
        "precision_recall": write_score(tmp_path / "d", "aur", {"saliency": [1.0, 1]}),
    }
    found = block_ranks.judged_values(given)
    # The lower sensitivity is better.
    assert {key: values["saliency"].tolist() for key, values in found.items()} == {
        ("truth", "relevance_rank"): [0.5, 1],
        ("robustness", "max_sensitivity"): [-3, -4],
    }


def test_a_rank_is_the_mean_over_families_of_the_mean_over_metrics(rng):
    values = rng.random((2, 3, 5, 3))  # trainings, metrics, examples, methods
    metrics = [("truth", "a"), ("truth", "b"), ("sanity", "c")]
    trainings = [
        {
            metric: {label: values[training, place, :, method] for method, label in enumerate(LABELS)}
            for place, metric in enumerate(metrics)
        }
        for training in (0, 1)
    ]
    rows = [np.arange(5), np.array([4, 3, 2, 1, 0])]
    labels, found, _ = block_ranks.block_ranks(trainings, rows)
    order = [LABELS.index(label) for label in labels]
    for training, chosen in enumerate(rows):
        for place, row in enumerate(chosen):
            each = [rankdata(-values[training, metric, row, order]) for metric in range(3)]
            np.testing.assert_allclose(found[training, place], ((each[0] + each[1]) / 2 + each[2]) / 2)


def test_a_metric_counts_where_all_methods_have_a_value(caplog):
    nan = np.nan
    of_training = {
        ("truth", "a"): {"saliency": np.array([1.0, 1, nan]), "occlusion": np.array([2.0, nan, nan])},
        ("truth", "b"): {"saliency": np.array([2.0, 1, nan]), "occlusion": np.array([1.0, 2, 3])},
        ("sanity", "c"): {"saliency": np.array([1.0, 2, 3])},
    }
    labels, found, _ = block_ranks.block_ranks([of_training] * 2, [np.arange(3)] * 2)
    assert labels == ["occlusion", "saliency"]
    # Example 0 by both metrics, example 1 by the second alone, and example 2 by none.
    assert found[0].tolist() == [[1.5, 1.5], [1, 2]]
    assert "c is left out" in caplog.text


@pytest.fixture
def study(tmp_path, rng):
    scores, examples = {}, {}
    for name in MEMBERS:
        # Saliency is far better than occlusion in every example, and both than chance.
        values = {label: rng.random(9) - 2 * place for place, label in enumerate(LABELS)}
        scores[name] = {"localisation": write_score(tmp_path / name, "relevance_rank", values)}
        examples[name] = tmp_path / f"{name}.npz"
        files.write_arrays(examples[name], {"indices": np.arange(9), "targets": np.zeros(9, int)})
    return scores, examples


def run(tmp_path, scores, examples, origins=None):
    paths = {name: tmp_path / f"{name}.csv" for name in ("table", "differences")}
    groups = [list(MEMBERS)]
    findings = tmp_path / "findings.json"
    study_ranking.run(
        groups=groups, members=MEMBERS, scores=scores, examples=examples, findings=findings, origins=origins, **paths
    )
    return *(pd.read_csv(path) for path in paths.values()), files.read_json(findings)


def test_ranks_that_never_vary_are_not_called_sure(tmp_path, study):
    table, differences, (finding,) = run(tmp_path, *study)
    assert table["mean rank"].to_list() == [1, 2, 3]
    assert table["low"].isna().all()
    assert not differences["told apart"].any()
    assert finding["sentence"].startswith("None of the 3 differences holds")


def test_tables_and_findings_agree_with_each_other(tmp_path, study, rng):
    scores, examples = study
    for name in MEMBERS:
        values = {label: rng.normal(size=9) - 2 * place for place, label in enumerate(LABELS)}
        scores[name] = {"localisation": write_score(tmp_path / "again" / name, "relevance_rank", values)}
    table, differences, (finding,) = run(tmp_path, scores, examples)
    ranks = []
    for name in MEMBERS:
        arrays = files.read_arrays(scores[name]["localisation"][1])
        ranks.append(rankdata(-np.stack([arrays[f"{label}/relevance_rank"] for label in LABELS]), axis=0).T)
    means = pd.Series(np.stack(ranks).mean((0, 1)), LABELS)
    np.testing.assert_allclose(table.set_index("explanation")["mean rank"][list(LABELS)], means)
    assert table["mean rank"].is_monotonic_increasing
    assert (table["low"] < table["mean rank"]).all()
    assert set(table["trainings"]) == {3}
    assert set(table["examples"]) == {9}
    for row in differences.itertuples():
        assert row.difference == pytest.approx(means[row.other] - means[row.explanation])
    apart = {frozenset((row.explanation, row.other)): row[-1] for row in differences.itertuples(index=False)}
    for pair in itertools.combinations(LABELS, 2):
        assert any(set(pair) <= set(group) for group in finding["joined"]) != apart[frozenset(pair)]
    assert finding["told_apart"] == sum(apart.values()) > 0
    orders = [of_training.mean(0) for of_training in ranks]
    taus = [kendalltau(one, two).statistic for one, two in itertools.combinations(orders, 2)]
    assert finding["kendall_tau"] == pytest.approx(np.mean(taus))


@pytest.fixture
def recorded(tmp_path, study, rng):
    """Scores of 40 examples, in which the order of the methods is luck of the recording, and their `groups.npz`."""
    scores, examples = study
    origin = np.repeat(np.arange(8), 5)

    def of(recordings):
        luck = {label: rng.normal(size=8)[origin] for label in LABELS}
        for name in MEMBERS:
            values = {label: luck[label] + 0.2 * rng.normal(size=40) for label in LABELS}
            scores[name] = {"localisation": write_score(tmp_path / "recorded" / name, "relevance_rank", values)}
            files.write_arrays(examples[name], {"indices": np.arange(40), "targets": np.zeros(40, int)})
        path = tmp_path / "groups.npz"
        files.write_arrays(path, {"test": np.array([f"recording {number % recordings}" for number in origin])})
        return scores, examples, dict.fromkeys(MEMBERS, path)

    return of


def test_examples_of_one_recording_count_together(tmp_path, recorded):
    scores, examples, origins = recorded(8)
    alone, _, (finding,) = run(tmp_path, scores, examples)
    assert "groups" not in alone
    assert "groups" not in finding
    table, _, (finding,) = run(tmp_path, scores, examples, origins)
    assert set(table["groups"]) == {finding["groups"]} == {8}
    assert "groups of examples (recordings, patients)" in finding["test"]
    assert table["mean rank"].to_list() == pytest.approx(alone["mean rank"].to_list())
    width = (table["high"] - table["low"]).to_numpy() / (alone["high"] - alone["low"]).to_numpy()
    # 40 examples of 8 recordings that are nearly alike within: √5 times the width of 40 independent ones, at most.
    assert (width > 1.4).all()


def test_labels_of_one_example_count_together(tmp_path, recorded):
    scores, examples, _ = recorded(8)
    for path in examples.values():
        # Eight examples, each explained for five labels.
        files.write_arrays(path, {"indices": np.repeat(np.arange(8), 5), "targets": np.tile(np.arange(5), 8)})
    table, _, (finding,) = run(tmp_path, scores, examples)
    assert set(table["groups"]) == {finding["groups"]} == {8}
    assert set(table["examples"]) == {40}


def test_few_recordings_have_neither_interval_nor_test(tmp_path, recorded):
    scores, examples, origins = recorded(4)
    table, differences, (finding,) = run(tmp_path, scores, examples, origins)
    assert table[["low", "high"]].isna().all(axis=None)
    assert table["mean rank"].between(1, 3).all()
    assert table["lowest rank"].to_list() == [1, 1, 1]
    assert table["highest rank"].to_list() == [3, 3, 3]
    assert differences["p"].isna().all()
    assert not differences["told apart"].any()
    assert finding["sentence"].endswith("from 4 groups (recordings, patients), and at least 5 are needed.")
    assert "test" not in finding


def test_trainings_without_common_examples_are_not_ranked(tmp_path, study):
    scores, examples = study
    for place, path in enumerate(examples.values()):
        files.write_arrays(path, {"indices": np.arange(9), "targets": np.full(9, place)})
    table, differences, (finding,) = run(tmp_path, scores, examples)
    assert len(table) == len(differences) == 0
    assert list(table)[:3] == ["group", "explanation", "family"]
    assert "explain 0 scored examples" in finding["sentence"]
    assert 'examples: {choose: any, target: "true"}' in finding["sentence"]


@pytest.mark.parametrize(
    ("apart", "expected"),
    [
        ([], "None of the 3 differences holds: any order of the methods may be luck of the training."),
        ([(0, 2)], "1 of 3 differences hold: the best may be a or b."),
        ([(0, 2), (1, 2)], "2 of 3 differences hold: the best may be a or b; each of them is better than c."),
        ([(0, 1), (0, 2)], "2 of 3 differences hold: a is the best; it is better than b and c."),
    ],
)
def test_the_sentence_says_which_differences_hold(apart, expected):
    p = np.ones((3, 3))
    for one, two in apart:
        p[one, two] = p[two, one] = 0.01
    means = np.array([1.0, 2, 3])
    assert study_ranking.sentence("abc", Comparison(means[:, None] - means, p)) == expected
