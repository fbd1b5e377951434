"""The figures of scores, agreement and leaderboard, drawn from tables written by hand."""

import numpy as np
import pandas as pd
import pytest

from pellucid import files
from pellucid.draw import agreement, checks, leaderboard, score, style

METHODS = ["saliency", "occlusion", "guided_backpropagation", "all_equal"]


def texts(figure):
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def test_a_score_is_drawn_with_the_best_first_and_the_controls_grey(tmp_path, drawn):
    rows = [
        (name, name, metric, group, mean, mean - 0.1, mean + 0.1, 4)
        for metric in ("deletion.zero", "insertion_less_deletion.zero")
        for group in ("all", "a")
        for name, mean in zip(METHODS, (0.2, 0.9, np.nan, 0.1), strict=True)
    ]
    columns = ["explanation", "method", "metric", "class", "mean", "low", "high", "examples"]
    table = pd.DataFrame(rows, columns=columns).sort_values("metric", ascending=False, kind="stable")
    table.to_csv(tmp_path / "scores.csv", index=False)
    arrays = {}
    for name in METHODS:
        arrays[f"{name}/deletion.zero/x"] = np.linspace(0, 1, 5)
        arrays[f"{name}/deletion.zero/y"] = np.random.default_rng(0).random((4, 5))
        arrays[f"{name}/deletion.zero/labels"] = np.array(["share deleted", "probability"])
    paths = {"table": tmp_path / "scores.csv", "arrays": tmp_path / "scores.npz"}
    for over in ({}, {"over": np.array("measured examples")}):
        files.write_arrays(paths["arrays"], arrays | over)
        score.draw(score="deletion_insertion", title="Bumps", **paths, pictures=[])
    figure, of_measured = drawn
    assert "examples" not in figure.get_suptitle()
    assert "means over up to 4 measured examples" in of_measured.get_suptitle().split("\n")
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown) == 3
    names = [tick.get_text() for tick in shown[0].get_yticklabels()]
    assert names == ["occlusion", "saliency", "all_equal", "guided_backpropagation"]
    labels = [axes.get_xlabel() for axes in shown]
    assert "share deleted" in labels
    # Each panel of a metric says which direction is better.
    assert any("higher" in label for label in labels)
    assert any("lower" in label for label in labels)


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (12, "95% intervals are over groups of examples (recordings, patients; up to 12)"),
        (3, "no 95% intervals: the examples are from 3 groups (recordings, patients), and at least 5 are needed"),
    ],
)
def test_a_score_says_over_which_groups_its_intervals_are(tmp_path, drawn, groups, said):
    ends = (0.1, 0.3) if groups > 4 else (np.nan, np.nan)
    rows = [(name, "relevance_rank", "all", "all", 0.2, *ends, 60, groups) for name in METHODS]
    columns = ["explanation", "metric", "over", "class", "mean", "low", "high", "examples", "groups"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "scores.csv", index=False)
    files.write_arrays(tmp_path / "scores.npz", {f"{name}/relevance_rank": np.full(60, 0.2) for name in METHODS})
    paths = {"table": tmp_path / "scores.csv", "arrays": tmp_path / "scores.npz"}
    score.draw(score="localisation", title="Bumps", **paths, pictures=[])
    assert said in drawn[0].get_suptitle().split("\n")


def test_the_leaderboard_shows_values_ranks_and_what_failed(tmp_path, drawn):
    metrics = [
        ("localisation.relevance_rank", "localisation", "truth", "Relevance rank", "", "higher", True, 4),
        ("deletion_insertion.insertion_less_deletion.zero", "deletion_insertion", "faithfulness",
         "Insertion less deletion", "zero", "higher", True, 4),
        ("cost.seconds", "cost", "cost", "Seconds", "", "lower", True, 4),
    ]  # fmt: skip
    columns = ["metric", "score", "family", "title", "variant", "better", "first", "explanations"]
    pd.DataFrame(metrics, columns=columns).assign(examples=[1200, 7, 3]).to_csv(tmp_path / "metrics.csv", index=False)
    table = pd.DataFrame({"explanation": METHODS, "family": ["gradient", "perturbation", "gradient", "control"]})
    table["mean rank"] = [2, 1, 3, 4]
    table["failed checks"] = ["", "", "sanity 0.83 > 0.5", ""]
    for metric, *_ in metrics:
        table[f"{metric} mean"] = [0.25, 0.75, 0.5 if metric == "cost.seconds" else np.nan, 0.125]
        table[f"{metric} rank"] = [2, 1, 4, 3]
    table.to_csv(tmp_path / "leaderboard.csv", index=False)
    files.write_json(tmp_path / "chance.json", {"headline": "no better than chance"})
    leaderboard.draw(
        title="Bumps",
        table=tmp_path / "leaderboard.csv",
        metrics=tmp_path / "metrics.csv",
        chance=tmp_path / "chance.json",
        over="measured examples",
        ranking=[],
        tradeoffs=[],
    )
    ranking, tradeoffs = drawn
    names = [tick.get_text() for tick in ranking.axes[0].get_yticklabels()]
    assert [name.split()[0] for name in names] == METHODS
    assert [name for name in names if "✗" in name] == [names[2]]
    assert "sanity 0.83 > 0.5" in texts(ranking)
    columns = [tick.get_text() for tick in ranking.axes[0].get_xticklabels()]
    assert [column.split(" (")[0] for column in columns] == ["Relevance rank", "Insertion less deletion", "Seconds"]
    cells = {text.get_position(): text.get_text() for text in ranking.axes[0].texts}
    assert cells[0, 1] == ".75"
    # A mean that is missing is not drawn as a number.
    assert not any(character.isdigit() for character in cells[0, 2])
    assert {"no better than chance", "scores over up to 1,200 measured examples"} <= set(
        ranking.get_suptitle().split("\n")
    ) & set(tradeoffs.get_suptitle().split("\n"))
    assert set(METHODS) <= set(texts(tradeoffs))


def test_checks_are_drawn_with_number_limit_and_what_failed(tmp_path, drawn):
    columns = ["explanation", "check", "value", "sign", "limit", "passed"]
    rows = [(name, "batch", 1e-7, ">", 0.001, True) for name in METHODS]
    kept = dict(zip(METHODS, (-0.04, 0.62, 0.3, 1.0), strict=True))
    rows += [(name, "sanity", value, ">", 0.5, value <= 0.5) for name, value in kept.items()]
    rows += [("occlusion", "coverage", 1.0, "<", 1.0, True)]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "checks.csv", index=False)
    checks.draw(title="Bumps", checks=tmp_path / "checks.csv", pictures=[])
    (figure,) = drawn
    (axes,) = figure.axes
    names = [tick.get_text() for tick in axes.get_yticklabels()]
    assert names == ["saliency", "guided_backpropagation", "occlusion", "all_equal"]
    limits = [tick.get_text().split() for tick in axes.get_xticklabels()]
    assert [(limit[0], limit[-1]) for limit in limits] == [("coverage", "1"), ("batch", "0.001"), ("sanity", "0.5")]
    cells = {(*text.get_position(),): text.get_text() for text in axes.texts}
    assert [cells[2, row].split()[-1] for row in range(4)] == ["−0.04", "0.30", "0.62", "1.00"]
    assert ["✗" in cells[2, row] for row in range(4)] == [False, False, True, True]
    # A check that a method has not had is no number.
    assert [any(map(str.isdigit, cells[0, row])) for row in range(4)] == [False, False, True, False]
    assert cells[0, 2] == "1.00"
    assert "0.001" in cells[1, 0]
    assert "2 of 4" in figure.get_suptitle()


def test_what_is_the_same_for_all_explanations_is_told_once_and_has_no_panel(tmp_path, drawn):
    metrics = ("labels_rank_correlation", "labels_ssim", "memorised")
    rows = [(name, name, metric, "all", 0.6, 0.5, 0.7, 4) for metric in metrics for name in METHODS]
    columns = ["explanation", "method", "metric", "class", "mean", "low", "high", "examples"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "scores.csv", index=False)
    files.write_arrays(tmp_path / "scores.npz", {"note": np.array("it says 0.60 of them: a weak test")})
    score.draw(
        score="random_labels",
        title="Bumps",
        table=tmp_path / "scores.csv",
        arrays=tmp_path / "scores.npz",
        pictures=[],
    )
    (figure,) = drawn
    assert len([axes for axes in figure.axes if axes.get_visible()]) == 2
    assert "it says 0.60 of them: a weak test" in figure.get_suptitle()


def outside(figure):
    """The names beside a square that the edge of a figure cuts off, once it is written."""
    figure.set_layout_engine("none")
    figure.set_dpi(style.STYLE["savefig.dpi"])
    figure.draw_without_rendering()
    squares = [axes for axes in figure.axes if axes.images]
    ticks = [tick for axes in squares for tick in (*axes.get_xticklabels(), *axes.get_yticklabels())]
    boxes = {tick.get_text(): tick.get_window_extent() for tick in ticks}
    assert len(boxes) >= 20
    return [name for name, box in boxes.items() if box.y0 < 0 or box.x0 < 0 or box.x1 > figure.bbox.x1]


def test_long_names_beside_the_square_of_the_agreement_are_not_cut_off(tmp_path, drawn):
    number = 21
    values = np.stack([np.eye(number)] * 2)
    labels = np.array([f"guided_backpropagation.{place}" for place in range(number)])
    arrays = {"labels": labels, "groups": np.array(["all", "a"]), "spearman": values, "overlap": values}
    files.write_arrays(tmp_path / "agreement.npz", {**arrays, "order": np.arange(number)})
    agreement.draw(title="Bumps", arrays=tmp_path / "agreement.npz", pictures=[])
    assert outside(drawn[0]) == []


def test_long_names_beside_the_square_of_the_scores_are_not_cut_off(tmp_path, drawn):
    metrics = [
        (f"infidelity.infidelity.{place}", "infidelity", "faithfulness", "Infidelity, optimally scaled",
         f"subset.{place}", "lower", True, 4)
        for place in range(20)
    ]  # fmt: skip
    columns = ["metric", "score", "family", "title", "variant", "better", "first", "explanations"]
    pd.DataFrame(metrics, columns=columns).to_csv(tmp_path / "metrics.csv", index=False)
    table = pd.DataFrame({"explanation": METHODS, "family": ["gradient", "perturbation", "gradient", "control"]})
    table["failed checks"] = ""
    for metric in (*(metric for metric, *_ in metrics), "cost.seconds"):
        table[f"{metric} mean"] = table[f"{metric} rank"] = [2, 1, 4, 3]
    table.to_csv(tmp_path / "leaderboard.csv", index=False)
    paths = {"table": tmp_path / "leaderboard.csv", "metrics": tmp_path / "metrics.csv"}
    leaderboard.draw(title="Bumps", **paths, ranking=[], tradeoffs=[])
    assert outside(drawn[1]) == []


def test_agreement_is_drawn_in_the_order_of_the_clusters(tmp_path, drawn):
    values = np.stack([np.eye(4), np.eye(4)])
    arrays = {"labels": np.array(METHODS), "groups": np.array(["all", "a"]), "spearman": values, "overlap": values}
    files.write_arrays(tmp_path / "agreement.npz", {**arrays, "order": np.array([2, 0, 1, 3])})
    agreement.draw(title="Bumps", arrays=tmp_path / "agreement.npz", pictures=[])
    (figure,) = drawn
    names = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert names == ["guided_backpropagation", "saliency", "occlusion", "all_equal"]
