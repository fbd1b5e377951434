"""The figures over experiments, drawn from tables written by hand."""

import numpy as np
import pandas as pd

from pellucid import files
from pellucid.compare import experiments as boards
from pellucid.compare import study_ranking
from pellucid.draw import comparison, leaderboard, study, study_explanations
from pellucid.draw import study_ranking as draw_ranking
from tests.unit.compare.test_experiments import board


def names(axes):
    return [tick.get_text() for tick in axes.get_yticklabels()]


def test_members_are_rows_of_values_and_points_of_seeds(tmp_path, drawn):
    given = {f"s__{rate}_{seed}": {"training.learning_rate": rate, "training.seed": seed} for rate in (0.1, 0.3) for seed in (1, 2, 3)}  # fmt: skip
    table = pd.DataFrame({"member": list(given), "balanced_accuracy": [0.5, 0.6, 0.7, 0.8, 0.8, 0.8], "log_loss": 1.0})
    table.to_csv(tmp_path / "members.csv", index=False)
    study.draw(title="Bumps", members=given, table=tmp_path / "members.csv", pictures=[])
    (figure,) = drawn
    left, right = figure.axes
    assert names(left) == ["learning rate 0.1", "learning rate 0.3"]
    points = [line for line in left.lines if line.get_marker() == "o"]
    assert [line.get_xdata().tolist() for line in points] == [[0.5, 0.6, 0.7], [0.8, 0.8, 0.8]]
    # Mean 0.6 and standard deviation 0.1.
    bar = next(line for line in left.lines if line.get_linewidth() == 5)
    np.testing.assert_allclose(bar.get_xdata(), [0.5, 0.7])
    assert "3 training seeds" in figure.get_suptitle()
    assert "log loss" in right.get_xlabel()


def test_explanations_by_trainings_are_sorted_and_stand_beside_their_own_seed(tmp_path, drawn):
    rows = [
        ("", label, family, metric, mean, mean - 0.1, mean + 0.1, 9, 27, 3, own)
        for label, family, mean, own in (
            ("saliency", "gradient", 0.4, np.nan),
            ("smoothgrad", "gradient", 0.6, 0.9),
            ("all_equal", "control", 1.0, np.nan),
            ("cam", "cam", np.nan, np.nan),
        )
        for metric in study_explanations.METRICS
    ]
    columns = ["group", "explanation", "family", "metric", "mean", "low", "high", "examples", "pairs", "trainings", "own seed"]  # fmt: skip
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "t.csv", index=False)
    study_explanations.draw(title="Bumps", table=tmp_path / "t.csv", pictures=[])
    (figure,) = drawn
    assert names(figure.axes[0]) == ["all_equal", "smoothgrad", "saliency", "cam"]
    diamonds = [line for line in figure.axes[0].lines if line.get_marker() == "D"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in diamonds] == [(0.9, 1)]
    assert "3 trainings, 9 examples" in figure.get_suptitle()


def test_bars_join_the_methods_that_are_not_told_apart(tmp_path, drawn):
    columns = ["group", *study_ranking.COLUMNS]
    rows = [
        ("", "occlusion", "perturbation", 1.2, 1, 1.5, 1, 2, 5, 9),
        ("", "saliency", "gradient", 2.1, 1.9, 2.3, 1, 3, 5, 9),
        ("", "all_equal", "control", 2.7, 2.4, 3, 3, 3, 5, 9),
    ]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "r.csv", index=False)
    finding = {"group": "", "trainings": 5, "examples": 9, "test": "a test", "kendall_tau": 0.6, "told_apart": 1}
    joined = [["occlusion", "saliency"], ["saliency", "all_equal"]]
    files.write_json(tmp_path / "r.json", [{**finding, "joined": joined, "sentence": "1 of 3 differences holds."}])
    draw_ranking.draw(title="Bumps", table=tmp_path / "r.csv", findings=tmp_path / "r.json", pictures=[])
    (figure,) = drawn
    left, right = figure.axes
    assert names(left) == ["occlusion", "saliency", "all_equal"]
    assert [text.get_text() for text in left.texts] == ["1–2", "1–3", "3", "rank"]
    dots = [line for line in left.lines if line.get_marker() == "o"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in dots] == [(1.2, 0), (2.1, 1), (2.7, 2)]
    marks = [list(line.get_ydata()) for line in right.lines if line.get_marker() == "s"]
    assert marks == [[0, 1], [1, 2]]
    heading = left.get_title(loc="left")
    assert "5 trainings × 9 examples" in heading
    assert "1 of 3 differences holds." in heading


def test_a_group_that_cannot_be_ranked_says_so(tmp_path, drawn):
    pd.DataFrame([], columns=["group", *study_ranking.COLUMNS]).to_csv(tmp_path / "r.csv", index=False)
    files.write_json(tmp_path / "r.json", [{"group": "", "trainings": 2, "examples": 0, "sentence": "Not ranked."}])
    draw_ranking.draw(title="Bumps", table=tmp_path / "r.csv", findings=tmp_path / "r.json", pictures=[])
    (figure,) = drawn
    assert "Not ranked." in figure.axes[0].get_title(loc="left")


def test_the_leaderboard_over_experiments_shows_ranks_values_and_crosses(tmp_path, drawn):
    given = {
        "one": board(tmp_path, "one", ["saliency", "occlusion"], [1, 2], ["occlusion"], mean=[0.25, 0.5]),
        "two": board(tmp_path, "two", ["saliency", "occlusion", "cam"], [1, 3, 2], mean=[0.75, 0.5, -0.5]),
    }
    boards.run(boards=given, table=tmp_path / "all.csv")
    comparison.draw(table=tmp_path / "all.csv", pictures=[])
    (figure,) = drawn
    left, right = figure.axes
    assert names(left) == ["saliency", "cam  (1 of 2)", "occlusion"]
    cells = [text.get_text() for text in left.texts]
    assert cells == ["1.0", "1.0", ".00", "–", "2.0", ".50", "2.0 ✗", "3.0", "1.00"]
    assert [text.get_text() for text in right.texts[:3]] == [".25", ".75", ".50"]
    # The best of a column is 0, the worst 1, whichever way is better.
    np.testing.assert_allclose(left.images[0].get_array()[:, 2], [0, 0.5, 1])
    np.testing.assert_allclose(right.images[0].get_array()[:, 1], [0, 1, 0.5])


def test_leaning_names_keep_away_from_the_title(tmp_path, drawn):
    metrics = [(f"m{k}", "localisation", "truth", "A name that is about as long as one is", "variant", "higher", True, 2) for k in range(12)]  # fmt: skip
    columns = ["metric", "score", "family", "title", "variant", "better", "first", "explanations"]
    pd.DataFrame(metrics, columns=columns).to_csv(tmp_path / "metrics.csv", index=False)
    table = pd.DataFrame(
        {"explanation": ["saliency", "lime"], "family": "gradient", "mean rank": 1.0, "failed checks": ""}
    )
    for metric, *_ in metrics:
        table[f"{metric} mean"], table[f"{metric} rank"] = 0.5, 1
    table.to_csv(tmp_path / "leaderboard.csv", index=False)
    paths = {"table": tmp_path / "leaderboard.csv", "metrics": tmp_path / "metrics.csv"}
    leaderboard.draw(title="Bumps " * 15, **paths, ranking=[], tradeoffs=[])
    given = {name: board(tmp_path, name, ["saliency"], [1]) for name in ("digits__training_seed_1__filters_32_32", "b")}
    boards.run(boards=given, table=tmp_path / "all.csv")
    comparison.draw(table=tmp_path / "all.csv", pictures=[])
    for figure in (drawn[0], drawn[2]):
        # As large as they are saved: leaning text grows by more than the resolution.
        figure.set_layout_engine("none")
        figure.set_dpi(150)
        renderer = figure._get_renderer()
        title = figure._suptitle.get_window_extent(renderer)
        for axes in figure.axes:
            for tick in axes.get_xticklabels():
                assert tick.get_window_extent(renderer).y1 < title.y0
