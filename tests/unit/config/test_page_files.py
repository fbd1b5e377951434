"""What a page is made from: every attribution, and the tables where explanations are compared."""

from pellucid.config import page_files, view_files
from pellucid.config.resolution import resolve
from pellucid.page import whole_classes

DIGITS = {"dataset": {"source": "digits"}, "model": {"architecture": "digit_cnn"}}


def resolved(**experiment):
    return resolve({"run": ["one"], "experiments": {"one": {**DIGITS, **experiment}}})


def test_a_compared_experiment_shows_its_leaderboard_and_its_checks():
    config = resolved(methods=["occlusion", "saliency"], scores=["form"])
    assert page_files.inputs(config, "one") == {
        "attributions": [f"results/one/explain/{name}/attributions.npz" for name in ("occlusion", "saliency")],
        "metrics": "results/one/evaluation/metrics.json",
        "per_class": "results/one/evaluation/per_class.csv",
        "chance": "results/one/evaluation/chance.json",
        "leaderboard": "results/one/score/leaderboard.csv",
        "leaderboard_metrics": "results/one/score/metrics.csv",
        "checks": "results/one/score/checks.csv",
    }
    assert page_files.all_pages(config) == ["results/one/page.html"]


def test_whole_classes_are_linked_and_what_is_linked_is_made_before():
    config = resolved(methods=["saliency"], scores="none", examples={"summarise": 4})
    here = "results/one/summaries/saliency"
    inputs = page_files.inputs(config, "one")
    assert inputs["flags"] == [f"{here}/groups.json"]
    assert inputs["linked"] == [f"{here}/{name}.png" for name in whole_classes.LINKS]


def test_measures_of_views_are_shown_where_a_view_has_some():
    views = {
        "only": ["counterfactuals", "architecture"],
        "counterfactuals": {"sweep": {"of": ["gradient", "native_guide"]}},
    }
    config = resolved(methods=["saliency"], scores="none", views=views)
    assert page_files.inputs(config, "one")["view_measures"] == ["results/one/views/counterfactuals_measures.csv"]
    assert view_files.csv(config, "one", "counterfactuals") == [
        f"results/one/views/counterfactuals/counterfactuals.of={of}.csv" for of in ("gradient", "native_guide")
    ]


def test_without_scores_nothing_is_compared():
    config = resolved(methods=["saliency"], scores="none")
    assert set(page_files.inputs(config, "one")) == {"attributions", "metrics", "per_class", "chance"}


def test_a_page_without_methods_needs_no_attributions():
    config = resolved(methods="none", scores="none")
    assert page_files.inputs(config, "one")["attributions"] == []


def test_the_settings_of_a_page_leave_out_the_views():
    settings = page_files.settings(resolved(methods=["saliency"]), "one")
    assert set(settings) == {"model", "training", "seed", "examples", "methods", "scores"}
