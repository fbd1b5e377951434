"""The files of an experiment, and what the rules that make them take from the configuration.

All functions but those of patterns take the resolved configuration and the name of an experiment, and know nothing of
Snakemake. A pattern is a path with `{experiment}` in it. This module is read while Snakemake parses the workflow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pellucid import plugins
from pellucid.config import model_classes, named_files, unlabelled
from pellucid.config import task as tasks_of
from pellucid.config.plugin_selection import PACKAGES
from pellucid.config.resolution import Config
from pellucid.config.studies import folded
from pellucid.config.training_checks import active_augmentations
from pellucid.config.variants import variants, variants_in_time
from pellucid.tasks import MULTI_LABEL, REGRESSION, SINGLE_LABEL
from pellucid.user_text import LONGEST_TITLE, in_figure

RESULTS = "results/{experiment}"
# Every stage that loads a model reads both: training.json says whether the model may run code of its own.
MODEL = {"model": f"{RESULTS}/model/model.keras", "trained": f"{RESULTS}/model/training.json"}
TRAINING_EXAMPLES = f"{RESULTS}/data/x_train.npy"
DATA_INFO = f"{RESULTS}/data/data.json"
PAGE = f"{RESULTS}/page.html"
# The families of scores that judge an explanation; form and cost only describe it.
JUDGING = ("truth", "faithfulness", "robustness", "sanity")
# What is drawn of the labels or values, and of the evaluation, by task.
FIGURES: dict[str, tuple[str, ...]] = {
    SINGLE_LABEL: ("evaluation/confusion_matrix", "evaluation/reliability"),
    MULTI_LABEL: (
        "data/answers",
        *(f"evaluation/{name}" for name in ("per_label", "confusion_per_label", "reliability_per_label")),
    ),
    REGRESSION: ("data/answers", "evaluation/predicted_values", "evaluation/coverage"),
}
# The files that every method writes.
EXPLANATION = {"attributions": "attributions.npz", "cost": "cost.json", "checks": "checks.json"}


class TargetError(ValueError):
    """A file is asked for that the configuration does not make."""


def results(experiment: str) -> str:
    """Return the folder of an experiment's results."""
    return RESULTS.format(experiment=experiment)


def settings_of(config: Config, experiment: str) -> Mapping[str, Any]:
    """Return the settings of an experiment.

    Raises:
        TargetError: the experiment is not run.
    """
    if experiment not in config.experiments:
        raise TargetError(f"results/{experiment} is asked for, but not run: add it by --config 'run=[{experiment}]'")
    return config.experiments[experiment]


def setting(config: Config, experiment: str, *keys: str) -> Any:
    """Return the entry of an experiment's settings that the nested keys lead to."""
    value: Any = settings_of(config, experiment)
    for key in keys:
        value = value[key]
    return value


def names(config: Config, experiment: str, key: str) -> list[str]:
    """Return the names of an experiment's "methods", "views" or "scores"."""
    return list(setting(config, experiment, key))


def owner(config: Config, experiment: str) -> str:
    """Return the study that an experiment is a member of, "" for none."""
    return config.owners.get(experiment, "")


def recorded_settings(config: Config, experiment: str) -> Mapping[str, Any]:
    """Return the settings that MLflow records: without methods, views and scores where none of them is run."""
    settings = settings_of(config, experiment)
    return {**settings, **{key: {} for key in PACKAGES}} if experiment in config.unexplained else settings


def all_names(config: Config, key: str) -> list[str]:
    """Return the names of the "methods", "views" or "scores" that any experiment has, sorted."""
    return sorted({name for experiment in config.experiments for name in names(config, experiment, key)})


def notes(config: Config) -> list[str]:
    """Return what the configuration leaves out or guesses, one line each."""
    left_out = (
        f"{experiment}: {name} is left out: {reason}"
        for experiment, reasons in config.skipped.items()
        for name, reason in reasons.items()
    )
    return folded([*left_out, *config.notes], config.studies)


def heading(config: Config, experiment: str) -> str:
    """Return the title of an experiment as its figures show it: its name where it has none."""
    return in_figure(setting(config, experiment, "title") or experiment, LONGEST_TITLE)


# Data and training


def output_classes(config: Config, experiment: str) -> list[str]:
    """Return the classes of a user's own model, in the order of its outputs: they number the labels."""
    settings = settings_of(config, experiment)
    if not unlabelled.is_labelled(settings):
        return unlabelled.output_names(settings["model"], tasks_of.of(settings))
    return list(settings["model"].get("classes", []))


def training_seed(config: Config, experiment: str) -> int:
    """Return the seed of the training: the experiment's, unless the training has its own."""
    seed: int = setting(config, experiment, "training").get("seed", setting(config, experiment, "seed"))
    return seed


def is_untrained(config: Config, experiment: str) -> bool:
    """Return whether the model comes from elsewhere and nothing here adapts its outputs to the data."""
    epochs = setting(config, experiment, "training", "epochs")
    return not epochs and model_classes.keeps_outputs(setting(config, experiment, "model"), epochs)


def plants_evidence(config: Config, experiment: str) -> bool:
    """Return whether the source knows the places or frequencies of each class's evidence: its need is then tested."""
    settings = settings_of(config, experiment)
    spec = named_files.spec_of(settings, "dataset")
    return (spec.truth or spec.truth_frequency) and tasks_of.of(settings) == SINGLE_LABEL


def has_beats(config: Config, experiment: str) -> bool:
    """Return whether the examples are recordings of heartbeats, whose maps are averaged beat by beat."""
    return bool(named_files.spec_of(settings_of(config, experiment), "dataset").events == "r_peaks")


def truth_file(config: Config, experiment: str) -> str:
    """Return the file that says where the planted evidence lies.

    Raises:
        TargetError: the data source plants no evidence.
    """
    if not plants_evidence(config, experiment):
        source = setting(config, experiment, "dataset", "source")
        raise TargetError(
            f"results/{experiment}/evaluation/evidence is asked for, but its data source plants no evidence: "
            f'found "{source}"; expected one that does, for classes that exclude each other.'
        )
    return f"{results(experiment)}/data/truth.npz"


# Explanations, views and scores


def method_inputs(method: str) -> dict[str, str]:
    """Return the patterns of what a method reads beside the examples: the model, and a background to draw from."""
    spec = plugins.spec("explain", method)
    patterns = MODEL | {"data_info": DATA_INFO} if spec.needs_model else {}
    return patterns | ({"training": TRAINING_EXAMPLES} if spec.needs_training else {})


def view_inputs(view: str) -> dict[str, str]:
    """Return the patterns of what a view reads."""
    sources = {name: f"{RESULTS}/{path}" for name, path in plugins.spec("views", view).sources().items()}
    return sources | MODEL | {"data_info": DATA_INFO}


def score_inputs(score: str) -> dict[str, str]:
    """Return the patterns of what a score reads beside the explanations.

    Intervals are over the groups of the examples. A score that explains again needs what any method may: the model, and
    training examples as a background.
    """
    spec = plugins.spec("score", score)
    patterns = {"data_info": DATA_INFO, "groups": f"{RESULTS}/data/groups.npz"}
    if spec.needs_model or spec.needs_method:
        patterns |= MODEL
    if spec.needs_training or spec.needs_method:
        patterns |= {"training": TRAINING_EXAMPLES, "labels": f"{RESULTS}/data/labels.npz"}
    if spec.needs_random_labels:
        patterns["random_labels"] = f"{RESULTS}/random_labels/model.keras"
        patterns["random_training"] = f"{RESULTS}/random_labels/training.json"
    return patterns


def explanations(config: Config, experiment: str, *kinds: str) -> dict[str, list[str]]:
    """Return by kind (a key of `EXPLANATION`) the files of all methods, in the order of the methods."""
    methods = names(config, experiment, "methods")
    return {
        kind: [f"{results(experiment)}/explain/{method}/{EXPLANATION[kind]}" for method in methods] for kind in kinds
    }


def view_stems(config: Config, experiment: str) -> Iterator[tuple[str, str]]:
    """Yield every variant of every view: the view, and the path of its files without suffix."""
    for view, parameters in setting(config, experiment, "views").items():
        yield from ((view, f"{results(experiment)}/views/{view}/{variant}") for variant in variants(view, parameters))


def score_tables(config: Config, experiment: str) -> dict[str, str]:
    """Return the table of every score."""
    return {score: f"{results(experiment)}/score/{score}/scores.csv" for score in names(config, experiment, "scores")}


def judging_scores(config: Config, experiment: str) -> list[str]:
    """Return the scores that judge explanations."""
    return [name for name in names(config, experiment, "scores") if plugins.spec("score", name).family in JUDGING]


def randomisation_table(config: Config, experiment: str) -> dict[str, str]:
    """Return the only score table that the checks read, where the experiment has it."""
    return {
        score: table for score, table in score_tables(config, experiment).items() if score == "parameter_randomisation"
    }


def is_compared(config: Config, experiment: str) -> bool:
    """Return whether the explanations are checked, compared with each other and ranked."""
    return bool(names(config, experiment, "scores")) and len(names(config, experiment, "methods")) > 1


# Plugins whose code a rule's digest covers


def plugin_modules(config: Config, experiment: str, key: str) -> list[str]:
    """Return the modules of all "methods", "views" or "scores", without the package's name."""
    return [f"{PACKAGES[key]}.{name}" for name in names(config, experiment, key)]


def source_module(config: Config, experiment: str, key: str) -> list[str]:
    """Return the module of the data source (`key` "dataset") or of the architecture ("model")."""
    selector, package = named_files.FILES[key]
    return [f"{package}.{setting(config, experiment, key, selector)}"]


def view_methods(config: Config, experiment: str, view: str, variant: str) -> list[str]:
    """Return the modules of the methods that a variant of a view names."""
    parameters = variants(view, setting(config, experiment, "views", view))[variant]
    return [f"explain.{method}" for method in parameters.get("methods", ())]


# All that is made


def figures(config: Config, experiment: str) -> list[str]:
    """Return every figure of an experiment, as PNG."""
    settings, here = settings_of(config, experiment), results(experiment)
    stems = ["data/examples", "model/history"]
    if active_augmentations(settings["training"]["augmentation"]):
        stems.append("model/augmentation")
    if unlabelled.is_labelled(settings):
        stems += FIGURES[tasks_of.of(settings)]
    if plants_evidence(config, experiment):
        stems.append("evaluation/evidence")
    for method, parameters in settings["methods"].items():
        stems += [f"explain/{method}/{variant}" for variant in variants(method, parameters)]
        if has_beats(config, experiment):
            stems += [f"average_beat/{method}/{variant}" for variant in variants_in_time(method, parameters)]
    paths = [f"{here}/{stem}" for stem in stems]
    paths += [stem for _, stem in view_stems(config, experiment)]
    paths += [f"{here}/score/{score}/scores" for score in settings["scores"]]
    if is_compared(config, experiment):
        paths += [f"{here}/score/{figure}" for figure in ("agreement", "checks", "leaderboard", "tradeoffs")]
        paths.append(f"{here}/explain/overview")
    return [f"{path}.png" for path in paths]


def explained(config: Config) -> list[str]:
    """Return the experiments to be run without the members of studies that are trained and evaluated alone."""
    return [experiment for experiment in config.experiments if experiment not in config.unexplained]


def all_figures(config: Config) -> list[str]:
    """Return every figure of the experiments to be explained, as PNG."""
    return [path for experiment in explained(config) for path in figures(config, experiment)]


def recorded(config: Config, experiment: str) -> list[str]:
    """Return what MLflow records of an experiment that is explained beside its data, its model and its evaluation."""
    if experiment in config.unexplained:
        return []
    here = results(experiment)
    files = [f"{here}/examples.npz"]
    files += [f"{here}/evaluation/evidence.csv"] if plants_evidence(config, experiment) else []
    explained = explanations(config, experiment, *EXPLANATION)
    files += [path for paths in zip(*explained.values(), strict=True) for path in paths]
    for view, stem in view_stems(config, experiment):
        files += [f"{stem}.{suffix}" for suffix in ("npz", "json", *plugins.spec("views", view).texts)]
    files += score_tables(config, experiment).values()
    if is_compared(config, experiment):
        files += [f"{here}/score/{table}.csv" for table in ("leaderboard", "checks", "agreement", "metrics")]
    drawn = figures(config, experiment)
    return [*files, *drawn, *(f"{path.removesuffix('png')}svg" for path in drawn), PAGE.format(experiment=experiment)]
