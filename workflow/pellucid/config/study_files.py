"""The files over several experiments: of each study, of the leaderboard of all, and everything that a run makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid.config import experiment_files, scored_files
from pellucid.config.experiment_files import TargetError
from pellucid.config.resolution import Config
from pellucid.config.studies import Study
from pellucid.user_text import LONGEST_TITLE, in_figure

STUDY = "results/{study}/study"
COMPARISON = "results/comparison"


def study_of(config: Config, name: str) -> Study:
    """Return a study.

    Raises:
        TargetError: the study is not run.
    """
    if name not in config.studies:
        raise TargetError(f"results/{name}/study is asked for, but not run: add it by --config 'run=[{name}]'")
    return config.studies[name]


def title(config: Config, name: str) -> str:
    """Return the title of a study as the user wrote it."""
    return study_of(config, name).title


def heading(config: Config, name: str) -> str:
    """Return the title of a study as its figures show it: its name where it has none."""
    return in_figure(title(config, name) or name, LONGEST_TITLE)


def members(config: Config, name: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the values of the varied settings, by member and dotted key."""
    return study_of(config, name).members


def member_results(config: Config, name: str) -> dict[str, list[str]]:
    """Return the files that say how well each member does, and at what cost."""
    files = {"metrics": "evaluation/metrics.json", "training": "model/training.json", "cost": "model/cost.json"}
    return {
        key: [f"{experiment_files.results(member)}/{path}" for member in members(config, name)]
        for key, path in files.items()
    }


def retrained(config: Config, name: str) -> list[list[str]]:
    """Return the groups of members that differ in the seed of their training alone.

    Raises:
        TargetError: not all members are explained.
    """
    study = study_of(config, name)
    if study.explain != "all":
        raise TargetError(
            f"results/{name}/study compares explanations by several trainings, but experiments.{name}.explain is "
            f'"{study.explain}"; expected explain: all.'
        )
    return study.retrained()


def member_methods(config: Config, name: str) -> dict[str, list[str]]:
    """Return the methods of each member."""
    return {member: experiment_files.names(config, member, "methods") for member in members(config, name)}


def study_seed(config: Config, name: str) -> int:
    """Return the seed of a study: that of its first member."""
    seed: int = experiment_files.setting(config, next(iter(members(config, name))), "seed")
    return seed


def retrained_explanations(config: Config, name: str) -> dict[str, str]:
    """Return the attributions of all retrained members, and how stable their scores say that the shown ones are.

    Returns:
        Paths by "<member>/<method>", "<member>/groups of examples" and "<member>/seed stability".
    """
    files = {}
    for member in (member for group in retrained(config, name) for member in group):
        files[f"{member}/groups of examples"] = f"{experiment_files.results(member)}/data/groups.npz"
        for method in experiment_files.names(config, member, "methods"):
            attributions = f"{method}/{experiment_files.EXPLANATION['attributions']}"
            files[f"{member}/{method}"] = f"{experiment_files.results(member)}/explain/{attributions}"
        # A row compares both numbers: they must be those of the same examples.
        of_shown = not scored_files.are_measured(config, member)
        if of_shown and (table := experiment_files.score_tables(config, member).get("seed_stability")):
            files[f"{member}/seed stability"] = table
    return files


def words_of_explained(config: Config, name: str) -> str:
    """Return which examples the explanations of a study are of; "" where scores are of the same, the shown ones."""
    return "shown" if any(scored_files.are_measured(config, member) for member in members(config, name)) else ""


def explains_retrained(config: Config, name: str) -> bool:
    """Return whether a study has explanations after several trainings."""
    study = study_of(config, name)
    groups = study.retrained() if study.explain == "all" else []
    return any(experiment_files.names(config, member, "methods") for group in groups for member in group)


def ranks_retrained(config: Config, name: str) -> bool:
    """Return whether the methods of a study can be ranked over several trainings."""
    return explains_retrained(config, name) and all(
        experiment_files.is_compared(config, member) and experiment_files.judging_scores(config, member)
        for group in retrained(config, name)
        for member in group
    )


def member_scores(config: Config, name: str) -> dict[str, list[str]]:
    """Return the judging scores of each member."""
    return {member: experiment_files.judging_scores(config, member) for member in members(config, name)}


def retrained_scores(config: Config, name: str) -> dict[str, str]:
    """Return what the judging scores say of each example of all retrained members, and which examples these are.

    Returns:
        Paths by "<member>/<score>/table", "<member>/<score>/arrays", "<member>/examples" and
        "<member>/groups of examples".
    """
    files = {}
    for member in (member for group in retrained(config, name) for member in group):
        here = experiment_files.results(member)
        files[f"{member}/examples"] = scored_files.examples(config, member)
        files[f"{member}/groups of examples"] = f"{here}/data/groups.npz"
        for score in experiment_files.judging_scores(config, member):
            files[f"{member}/{score}/table"] = f"{here}/score/{score}/scores.csv"
            files[f"{member}/{score}/arrays"] = f"{here}/score/{score}/scores.npz"
    return files


def study_tables(config: Config, name: str) -> list[str]:
    """Return the tables whose content identifies a study; members.csv holds times as well and is none of them."""
    tables = ["summary", *_over_trainings(config, name), *(["differences"] if ranks_retrained(config, name) else [])]
    return [f"{STUDY.format(study=name)}/{table}.csv" for table in tables]


def study_figures(config: Config, name: str, suffixes: tuple[str, ...] = ("png", "svg")) -> list[str]:
    """Return the figures of a study, in every format of `suffixes`."""
    stems = ["members", *_over_trainings(config, name)]
    return [f"{STUDY.format(study=name)}/{stem}.{suffix}" for stem in stems for suffix in suffixes]


def _over_trainings(config: Config, name: str) -> list[str]:
    """Return the names of what a study makes of several trainings: each is a table and a figure."""
    made = {"explanations": explains_retrained, "ranking": ranks_retrained}
    return [stem for stem, is_made in made.items() if is_made(config, name)]


def ranked(config: Config) -> list[str]:
    """Return the experiments whose leaderboards a run makes."""
    explained = experiment_files.explained(config)
    return [experiment for experiment in explained if experiment_files.is_compared(config, experiment)]


def figures_over_experiments(config: Config) -> list[str]:
    """Return the figures over experiments: of each study, and of the leaderboard of all."""
    paths = [path for study in config.studies for path in study_figures(config, study, ("png",))]
    return paths + ([f"{COMPARISON}/leaderboard.png"] if len(ranked(config)) > 1 else [])


def records(config: Config) -> list[str]:
    """Return the record of every experiment, of every study, and of the leaderboard of all."""
    paths = [f"{experiment_files.results(experiment)}/tracking.json" for experiment in config.experiments]
    paths += [f"{STUDY.format(study=study)}/tracking.json" for study in config.studies]
    return paths + ([f"{COMPARISON}/tracking.json"] if len(ranked(config)) > 1 else [])
