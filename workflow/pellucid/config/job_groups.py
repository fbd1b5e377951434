"""Which jobs of an experiment a cluster runs as one job, so that Snakemake and TensorFlow start once for all of them.

An experiment is five jobs: its data, its training, all explanations and views with their figures, the training on
random labels, and all scores with the page. With `examples.summarise` there are the parts of each method, one job each,
and one more job for the summaries. The scores are apart because they wait for the random labels, and the
explanations do not. Rules that are not named here are jobs of their own, or run where Snakemake was started.
"""

from __future__ import annotations

from pellucid import plugins

_DATA = ("preprocess", "preprocess_inputs", "draw_data", "draw_answers")
_TRAINING = ("train", "train_keeping_checkpoints", "draw_training", "draw_augmentation")
_EXPLANATIONS = (
    *("evaluate", "evaluate_labels", "evaluate_values", "predict"),
    *("draw_evaluation", "draw_evaluation_of_labels", "draw_evaluation_of_values"),
    *("evidence", "draw_evidence", "select_examples"),
)
_MEASURED = ("select_measured",)
_SCORES = (
    "select_scored",
    *("check", "draw_checks", "draw_overview", "agreement", "draw_agreement", "leaderboard", "draw_leaderboard"),
    *("tuned", "draw_tuned"),
)
_SUMMARIES = ("permutation", "summarise", "draw_class_maps", "draw_importance", "draw_map_groups", "draw_measured")


def members() -> dict[str, list[str]]:
    """Return the rules of each group, by the group's name."""
    return {
        "data": [*_DATA],
        "training": [*_TRAINING],
        "explanations": [
            *_EXPLANATIONS,
            *_MEASURED,
            *(f"explain_{method}" for method in plugins.load("explain")),
            "draw_explanation",
            "draw_average_beat",
            *(f"view_{view}" for view in plugins.load("views")),
            *("view_measures", "draw_view"),
        ],
        # The parts of a method are not here: each is a job of its own.
        "summaries": [*_SUMMARIES],
        "scores": [*(f"score_{score}" for score in plugins.load("score")), "draw_score", *_SCORES, "page"],
    }


def groups() -> dict[str, str]:
    """Return the group of each rule, as Snakemake's option `--groups` takes it: one for each experiment."""
    return {rule: _pattern(group) for group, rules in members().items() for rule in rules}


def components() -> dict[str, int]:
    """Return how many jobs without a common file may be in one group: any number, as long as it is one experiment."""
    return {_pattern(group): 100_000 for group in members()}


def _pattern(group: str) -> str:
    return f"{group}_{{experiment}}"
