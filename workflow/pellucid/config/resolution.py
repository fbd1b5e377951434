"""`config.yaml`: checked as a whole before any job is planned, and resolved so that every key has its value.

This module is read while Snakemake parses the workflow: it imports nothing heavier than pydantic and jsonschema.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pellucid import credentials, plugins
from pellucid.config import (
    notes,
    plugin_selection,
    recipes,
    renamed_keys,
    schema_errors,
    split_checks,
    studies,
    target_checks,
    training_checks,
    tune_checks,
    unlabelled,
)
from pellucid.config import task as tasks_of
from pellucid.config.command_line import quoted_texts as quoted_texts
from pellucid.config.command_line import typed as typed
from pellucid.config.keys import ResolvedExperiment, card
from pellucid.config.named_files import FILES as FILES
from pellucid.config.named_files import check_files, check_view_files, sentence
from pellucid.config.named_files import files as files
from pellucid.config.named_files import listing_of as listing_of
from pellucid.config.plain_values import ordered, plain
from pellucid.config.plugin_checks import check_plugins, check_selected, drop_inapplicable, features, misfits, sweepable
from pellucid.config.unset import unset
from pellucid.config.variants import variants
from pellucid.downloads import is_local
from pellucid.errors import InputError, one_line
from pellucid.messages import abbreviate, comma_list, did_you_mean, format_shape

MOST_FAULTS = 20  # told at once
ENOUGH_FAULTS = 1000  # after which no other experiment is checked: the members of a study repeat their faults
MOST_NAMES = 30  # listed in a message
MOST_FIGURES = 20_000  # of explanations and views


class ConfigError(ValueError):
    """One or more faults of the configuration, one line each; of more than `MOST_FAULTS` the first ones are told."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = [one_line(fault) for fault in faults[:MOST_FAULTS]]
        if len(faults) > MOST_FAULTS:
            least = "at least " if len(faults) > ENOUGH_FAULTS else ""
            self.faults.append(f"… and {least}{len(faults) - MOST_FAULTS:,} more faults.")
        super().__init__("\n".join(self.faults))


@dataclass(frozen=True)
class Config:
    """The resolved configuration.

    Attributes:
        run: names of the experiments to build, in the user's order; the members of a study stand in its place.
        settings: every experiment of `run`, with all defaults filled in; `methods`, `views` and `scores` hold only
            those that run.
        experiments: the same as plain mappings, which Snakemake compares as parameters.
        skipped: per experiment, the methods, views and scores left out because they do not apply, with the reason.
        threads, memory_mb, tracking: as in config.yaml.
        gpu: how a card is used; None for the CPU alone.
        studies: those that `run` names, by name.
        owners: the study that a member belongs to, whether or not `run` names the study.
        notes: what is guessed where the config does not say it, a line each.
        unexplained: members that are trained and evaluated alone: their study asks for no more of them.
    """

    run: tuple[str, ...]
    settings: Mapping[str, ResolvedExperiment]
    experiments: Mapping[str, dict[str, Any]]
    skipped: Mapping[str, dict[str, str]]
    threads: int
    memory_mb: int
    tracking: dict[str, str]
    studies: Mapping[str, studies.Study]
    owners: Mapping[str, str]
    notes: tuple[str, ...] = ()
    unexplained: frozenset[str] = frozenset()
    gpu: dict[str, bool] | None = None


def resolve(content: Mapping[str, Any]) -> Config:
    """Check and complete what the user wrote.

    Raises:
        ConfigError: with every fault.
    """
    content = _checked(content)
    faults = _select(content)
    entries, members, study_faults = studies.expand(content["experiments"], content["defaults"], sweepable)
    faults += study_faults + _unknown_names(content, entries)
    # Told once and where they were written, not once for each experiment that inherits them.
    for key in plugin_selection.PACKAGES:
        faults += check_selected(content["defaults"][key], key, "defaults")
    # What was listed under `sweep` is checked where it stands now.
    rules = {"$ref": "#/$defs/experiment", "$defs": schema_errors.of_config()["$defs"]}
    for study in members.values():
        for name in study.members:
            faults += schema_errors.problems(entries[name], rules, f"experiments.{name}")
    if faults:
        raise ConfigError(studies.folded(faults, members))
    run = studies.named(content["run"], members)
    completed = _complete(entries, content["defaults"], run, members)
    if completed.faults:
        raise ConfigError(studies.folded(completed.faults, members))
    settings = {name: ResolvedExperiment.of(completed.experiments[name]) for name in run}
    experiments = {name: ordered(settings[name].plain()) for name in run}
    chosen = {name: members[name] for name in content["run"] if name in members}
    unexplained = studies.unexplained(content["run"], chosen)
    require_few(studies.without(experiments, unexplained))
    return Config(
        run=tuple(run),
        settings=settings,
        experiments=experiments,
        skipped=completed.skipped,
        threads=content["threads"],
        memory_mb=content["memory_mb"],
        tracking=content["tracking"],
        studies=chosen,
        owners={member: name for name, study in members.items() for member in study.members if member in run},
        notes=tuple(notes.notes(content["experiments"], chosen, experiments)),
        unexplained=unexplained,
        gpu=card(content["gpu"]),
    )


def _checked(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the user's content as plain values with the defaults of the schema, which it follows.

    Raises:
        ConfigError: it holds a password or what the schema does not allow.
    """
    try:
        content = unset(plain(content))
    except InputError as error:
        raise ConfigError([str(error)]) from None
    # Passwords first: the messages of the other checks quote values.
    faults = (
        credentials.faults(content)
        or renamed_keys.faults(content)
        or schema_errors.problems(content, schema_errors.of_config(), "")
    )
    if faults:
        raise ConfigError(faults)
    recipes.expand(content)
    completed: dict[str, Any] = schema_errors.with_defaults(content, schema_errors.of_config())
    try:
        is_local(completed["tracking"]["uri"], "tracking.uri")
    except InputError as error:
        raise ConfigError([str(error)]) from None
    return completed


def _select(content: dict[str, Any]) -> list[str]:
    """Bring `methods`, `views` and `scores` into their one form, those of `defaults` with all that they inherit."""
    faults = []
    for key in plugin_selection.PACKAGES:
        written, wrong = plugin_selection.as_mapping(content["defaults"][key], key, f"defaults.{key}")
        faults += wrong
        basic: dict[str, Any] = {name: {} for name in plugin_selection.BASIC[key]}
        content["defaults"][key] = {} if wrong else plugin_selection.inherit(basic, written, key)
        for name, entry in content["experiments"].items():
            if key in entry:
                entry[key], wrong = plugin_selection.as_mapping(entry[key], key, f"experiments.{name}.{key}")
                faults += wrong
    return faults


def _unknown_names(content: Mapping[str, Any], entries: Mapping[str, Any]) -> list[str]:
    """Return the faults of names under `run` that are no experiment."""
    names = {**content["experiments"], **entries}
    more = ", …" if len(content["experiments"]) > MOST_NAMES else ""
    known = comma_list(list(content["experiments"])[:MOST_NAMES]) + more
    unknown = [(position, name) for position, name in enumerate(content["run"]) if name not in names]
    return [
        f"run.{position}: found {abbreviate(name)}; expected the name of an experiment: {known}."
        f"{did_you_mean(name, names) if count < MOST_FAULTS else ''}"
        for count, (position, name) in enumerate(unknown)
    ]


@dataclass
class _Completed:
    experiments: dict[str, dict[str, Any]] = field(default_factory=dict)
    skipped: dict[str, dict[str, str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def _complete(
    entries: Mapping[str, Mapping[str, Any]],
    defaults: Mapping[str, Any],
    run: Collection[str],
    members: Mapping[str, studies.Study],
) -> _Completed:
    """Return the experiments of `run` with all that they inherit; check the others, too."""
    completed = _Completed()
    # For a study that is not run, check only its first member: there may be hundreds.
    varied = {name for study in members.values() for name in study.members}
    others = {name for study in members.values() for name in list(study.members)[1:]}.difference(run)
    for name in (name for name in entries if name not in others):
        entry = entries[name]
        if len(completed.faults) > ENOUGH_FAULTS:
            break
        path = f"experiments.{name}"
        experiment = _with_defaults(entry, defaults)
        faults = check_plugins(experiment, path) + split_checks.faults(experiment, path)
        if not faults:
            faults += unlabelled.faults(experiment, entry, path, name in varied)
            faults += target_checks.faults(experiment, path)
            task = tasks_of.of(experiment)
            tasks_of.complete(experiment["training"], task)
            faults += tasks_of.faults(experiment["training"], task, f"{path}.training")
            faults += tasks_of.published_faults(experiment, task, path)
            kind = plugins.spec("datasets", experiment["dataset"]["source"]).kind
            faults += training_checks.faults(experiment["training"], kind, f"{path}.training")
        completed.faults += faults
        if name in run and not faults:
            completed.experiments[name] = experiment
            completed.skipped[name], faults = _check_run(experiment, entry, path)
            completed.faults += faults
    return completed


def _with_defaults(entry: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return an experiment with what `defaults` and the schema say where it says nothing."""
    settings = {**schema_errors.of_config()["$defs"]["settings"], "$defs": schema_errors.of_config()["$defs"]}
    experiment: dict[str, Any] = schema_errors.with_defaults(plugin_selection.merge(defaults, entry), settings)
    for key in plugin_selection.PACKAGES:
        experiment[key] = plugin_selection.inherit(defaults[key], entry.get(key, {}), key)
    return {"title": "", **experiment}


def _check_run(experiment: dict[str, Any], entry: Mapping[str, Any], path: str) -> tuple[dict[str, str], list[str]]:
    """Check an experiment that is run against its files. Return what does not apply and is dropped, and the faults."""
    faults = check_files(experiment, path)
    try:
        if not faults:
            faults += unlabelled.unnamed(experiment, path)
        present = features(experiment)
    except (InputError, OSError) as error:
        return {}, [*faults, f"{path}.model: {sentence(error)}"]
    skipped: dict[str, str] = {}
    for key in plugin_selection.PACKAGES:
        named = plugin_selection.named_by(entry.get(key, {}))
        reasons, refused = drop_inapplicable(experiment, key, present, named, path)
        skipped |= reasons
        faults += refused
    source = plugins.load("datasets")[experiment["dataset"]["source"]]
    sizes = plugins.hook(source, "axes")(**plugins.own_parameters(experiment["dataset"], source))
    faults += [f"{path}.{fault}" for fault in misfits(experiment, sizes, source.SPEC.channels)]
    return skipped, faults + tune_checks.faults(experiment, path) + check_view_files(experiment, path)


def require_few(experiments: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse more figures than Snakemake can plan for.

    Raises:
        ConfigError: with their number.
    """
    figures = sum(
        len(variants(name, parameters))
        for experiment in experiments.values()
        for key in ("methods", "views")
        for name, parameters in experiment[key].items()
    )
    if figures > MOST_FIGURES:
        raise ConfigError(
            [
                f"run: found {len(experiments)} experiments with {figures:,} explanations and views together; expected "
                f"at most {MOST_FIGURES:,}. Run some at a time, or give sweeps fewer values."
            ]
        )


def require_fit(content: Mapping[str, Any], name: str, axes: Sequence[int], channels: int) -> None:
    """Refuse parameters that do not fit the examples, as soon as the data are read: before a model is trained.

    Args:
        content: the configuration, as Snakemake hands it to a job: with what the rules added for the report.
        name: of the experiment.
        axes, channels: sizes of its examples, without the channels, and the number of these.

    Raises:
        InputError: a window is larger than an example, or superpixels are asked for of a series, for example.
    """
    written = {key: value for key, value in content.items() if key in schema_errors.of_config()["properties"]}
    experiment = resolve({**written, "run": [name]}).experiments[name]
    if faults := misfits(experiment, axes, channels):
        examples = f"examples of {format_shape(axes)} values"
        raise InputError.unexpected(f"experiments.{name}", examples, "parameters that fit them", " ".join(faults))
