"""`config.yaml`: checked as a whole before any job is planned, and resolved so that every key has its value.

This module is read while Snakemake parses the workflow: it imports nothing heavier than jsonschema.
"""

from __future__ import annotations

import contextlib
import copy
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from pellucid import credentials, plugins
from pellucid.config import model_classes, schema, studies, training
from pellucid.config.named_files import FILES, check_files, check_places, sentence, spec_of
from pellucid.config.named_files import files as files
from pellucid.config.named_files import listing_of as listing_of
from pellucid.config.plain_values import plain
from pellucid.config.variants import variants
from pellucid.downloads import is_local
from pellucid.errors import InputError, one_line
from pellucid.messages import abbreviate, comma_list, did_you_mean, format_shape

# What --config may mean by a text; a class named "no", a time "1:30" and "017", which YAML takes for 15, stay ones.
_NUMBER_OR_TRUTH = re.compile(r"[+-]?(0|[1-9]\d{0,14})|[+-]?\d*\.\d+([eE][+-]\d+)?|true|false")
# What an experiment may have many of, each by its name, and the packages where they are found.
OPTIONAL = {"methods": "explain", "views": "views", "scores": "score"}
_ONE = {"methods": "a method", "views": "a view", "scores": "a score"}
MOST_FAULTS = 20  # told at once
ENOUGH_FAULTS = 1000  # after which no other experiment is looked at: the members of a study have theirs together
MOST_NAMES = 30  # listed in a message
MOST_FIGURES = 20_000  # of explanations and views
# What was found good before, with all its defaults.
_COMPLETED: dict[tuple[str, str, str], Any] = {}


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
        run: names of the experiments to build, in the user's order; those of a study in its place.
        experiments: every experiment of `run`, with all defaults filled in; `methods`, `views` and `scores` hold
            only those that run.
        skipped: per experiment, the methods, views and scores left out because they do not apply, with the reason.
        threads, memory_mb, tracking: as in config.yaml.
        studies: those that `run` names, by name.
        owners: the study that a member belongs to, whether or not `run` names the study.
        notes: what is guessed where the config does not say it, a line each.
    """

    run: tuple[str, ...]
    experiments: Mapping[str, dict[str, Any]]
    skipped: Mapping[str, dict[str, str]]
    threads: int
    memory_mb: int
    tracking: dict[str, str]
    studies: Mapping[str, studies.Study]
    owners: Mapping[str, str]
    notes: tuple[str, ...] = ()


def resolve(content: Mapping[str, Any]) -> Config:
    """Check and complete what the user wrote.

    Raises:
        ConfigError: with every fault found.
    """
    try:
        content = plain(content)
    except InputError as error:
        raise ConfigError([str(error)]) from None
    # First of all: the messages of the other checks quote what they found.
    faults = credentials.faults(content) or schema.problems(content, schema.of_config(), "")
    if faults:
        raise ConfigError(faults)
    content = schema.with_defaults(content, schema.of_config())
    try:
        is_local(content["tracking"]["uri"], "tracking.uri")
    except InputError as error:
        raise ConfigError([str(error)]) from None
    entries, found, faults = studies.expand(content["experiments"], content["defaults"], _varying)
    names = {**content["experiments"], **entries}
    known = comma_list(list(content["experiments"])[:MOST_NAMES]) + (
        ", …" if len(content["experiments"]) > MOST_NAMES else ""
    )
    unknown = [(position, name) for position, name in enumerate(content["run"]) if name not in names]
    faults += [
        f"run.{position}: found {abbreviate(name)}; expected the name of an experiment: {known}."
        f"{did_you_mean(name, names) if count < MOST_FAULTS else ''}"
        for count, (position, name) in enumerate(unknown)
    ]
    # Told once and where they were written, not once for each experiment that inherits them.
    for key in OPTIONAL:
        faults += _check_optional(content["defaults"][key], key, "defaults")
    # What was listed under `vary` is checked where it stands now.
    for study in found.values():
        for name in study.members:
            rules = {"$ref": "#/$defs/experiment", "$defs": schema.of_config()["$defs"]}
            faults += schema.problems(entries[name], rules, f"experiments.{name}")
    if faults:
        raise ConfigError(studies.folded(faults, found))
    run = studies.named(content["run"], found)
    # Of a study that is not run one member speaks for all: there may be hundreds.
    others = {name for study in found.values() for name in list(study.members)[1:]}.difference(run)
    settings = schema.of_config()["$defs"]["settings"]
    experiments: dict[str, dict[str, Any]] = {}
    skipped: dict[str, dict[str, str]] = {}
    for name, own in entries.items():
        if name in others:
            continue
        if len(faults) > ENOUGH_FAULTS:
            break
        experiment = schema.with_defaults(
            merge(content["defaults"], own), {**settings, "$defs": schema.of_config()["$defs"]}
        )
        experiment.setdefault("title", "")
        own_faults = _check_plugins(experiment, f"experiments.{name}")
        own_faults += _check_folds(experiment["split"], f"experiments.{name}.split")
        if not own_faults:
            kind = plugins.spec("datasets", experiment["dataset"]["source"]).kind
            own_faults += training.faults(experiment["training"], kind, f"experiments.{name}.training")
        faults += own_faults
        if name in run and not own_faults:
            faults += check_files(experiment, f"experiments.{name}")
            skipped[name] = {}
            try:
                present = features(experiment)
            except (InputError, OSError) as error:
                faults.append(f"experiments.{name}.model: {sentence(error)}")
                continue
            for key in OPTIONAL:
                reasons, refused = _drop_inapplicable(
                    experiment, key, present, set(own.get(key, {})), f"experiments.{name}"
                )
                skipped[name] |= reasons
                faults += refused
            source = plugins.load("datasets")[experiment["dataset"]["source"]]
            if hasattr(source, "axes"):
                sizes = source.axes(**plugins.own_parameters(experiment["dataset"], source.SPEC))
                faults += [f"experiments.{name}.{fault}" for fault in misfits(experiment, sizes)]
            experiments[name] = experiment
    if faults:
        raise ConfigError(studies.folded(faults, found))
    require_few(experiments)
    return Config(
        run=tuple(run),
        experiments={name: _ordered(experiments[name]) for name in run},
        skipped=skipped,
        threads=content["threads"],
        memory_mb=content["memory_mb"],
        tracking=content["tracking"],
        studies={name: found[name] for name in content["run"] if name in found},
        owners={member: name for name, study in found.items() for member in study.members if member in run},
        notes=tuple(model_classes.guess(name) for name in run if model_classes.is_guess(experiments[name])),
    )


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


def misfits(experiment: Mapping[str, Any], axes: Sequence[int]) -> list[str]:
    """What is larger than an example of these axes: windows, cells and segments that the user wrote."""
    faults = []
    for key, package in OPTIONAL.items():
        for name, parameters in experiment[key].items():
            module = plugins.load(package)[name]
            if parameters is False or not hasattr(module, "fits"):
                continue
            for chosen in [parameters] if key == "scores" else variants(name, parameters).values():
                try:
                    module.fits(axes, **chosen)
                except InputError as error:
                    faults.append(f"{key}.{name}: {error}")
    return faults


def require_fit(content: Mapping[str, Any], name: str, axes: Sequence[int]) -> None:
    """Refuse windows that do not fit the examples, as soon as the data are read: before a model is trained for nothing.

    Args:
        content: the configuration, as Snakemake hands it to a job: with what the rules added for the report.
        name: of the experiment.
        axes: sizes of its examples, without the channels.

    Raises:
        InputError: as said.
    """
    written = {key: value for key, value in content.items() if key in schema.of_config()["properties"]}
    experiment = resolve({**written, "run": [name]}).experiments[name]
    if faults := misfits(experiment, axes):
        found = f"examples of {format_shape(axes)} values"
        raise InputError.unexpected(f"experiments.{name}", found, "larger ones, or smaller windows", " ".join(faults))


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` overridden by `over`, key by key at every depth."""
    merged = copy.deepcopy(dict(base))
    for key, value in over.items():
        inherited = isinstance(merged.get(key), Mapping)
        if inherited and isinstance(value, Mapping):
            merged[key] = merge(merged[key], value)
        elif not (inherited and value is True):  # `occlusion: true` turns on what the defaults say
            merged[key] = copy.deepcopy(value)
    return merged


def _varying(entry: Mapping[str, Any]) -> list[str]:
    """The dotted keys that a study may vary of an experiment."""
    keys = list(studies.leaves(schema.of_config()["$defs"]["settings"]["properties"]))
    for key, (selector, package) in FILES.items():
        keys.append(f"{key}.{selector}")
        chosen = [entry[key][selector], *entry.get("vary", {}).get(f"{key}.{selector}", ())]
        for name in {str(name) for name in chosen} & set(plugins.load(package)):
            spec = plugins.spec(package, name)
            keys += [f"{key}.{parameter}" for parameter in (*spec.parameters, *_checksums(spec))]
    for key, package in OPTIONAL.items():
        for name, module in plugins.load(package).items():
            keys += [f"{key}.{name}", *(f"{key}.{name}.{parameter}" for parameter in module.SPEC.parameters)]
    return keys


def _check_plugins(experiment: dict[str, Any], path: str) -> list[str]:
    """Check the parameters of everything that the experiment names against what it declares; fill in the defaults."""
    faults = []
    for key, (selector, package) in FILES.items():
        name = experiment[key][selector]
        if unknown := _unknown(name, package, f"{path}.{key}.{selector}"):
            faults.append(unknown)
            continue
        spec = plugins.spec(package, name)
        declared = {**spec.parameters, selector: {"type": "string"}, **_checksums(spec)}
        parameters = schema.parameters_schema(declared, getattr(spec, "required", ()))
        own = schema.problems(experiment[key], parameters, f"{path}.{key}")
        faults += own or check_places(experiment[key], spec, f"{path}.{key}")
        experiment[key] = schema.with_defaults(experiment[key], parameters)
        if not faults and hasattr(module := plugins.load(package)[name], "check"):
            faults += _refusal(module, experiment[key], f"{path}.{key}", selector)
        if not faults and hasattr(module := plugins.load(package)[name], "fill"):
            experiment[key] |= module.fill(**experiment[key])
    for key in OPTIONAL:
        faults += _check_optional(experiment[key], key, path)
    if not faults:
        faults += _check_kinds(experiment, path)
    return faults


def _check_optional(entries: dict[str, Any], key: str, path: str) -> list[str]:
    """Check the parameters of methods or views, and fill in their defaults."""
    faults = []
    for name, given in entries.items():
        where = f"{path}.{key}.{name}"
        if unknown := _unknown(name, OPTIONAL[key], f"{path}.{key}"):
            faults.append(unknown)
        elif given is not False:
            given = {} if given is None or given is True else given
            # Most experiments say of most methods what the defaults say.
            written = (key, name, json.dumps(given))
            if written in _COMPLETED:
                entries[name] = copy.deepcopy(_COMPLETED[written])
                continue
            module = plugins.load(OPTIONAL[key])[name]
            # A score of all explanations is one table: it has no variants.
            parameters = (
                schema.parameters_schema(module.SPEC.parameters) if key == "scores" else _with_sweep(module.SPEC)
            )
            own = schema.problems(given, parameters, where)
            if not own:
                entries[name] = schema.with_defaults(given, parameters)
                try:
                    chosen_sets = list(variants(name, entries[name]).values())
                except InputError as error:
                    faults.append(f"{where}: {error}")
                    continue
                for chosen in chosen_sets if hasattr(module, "check") else ():
                    own += _refusal(module, chosen, where)
            if not own:
                _COMPLETED[written] = copy.deepcopy(entries[name])
            faults += own
    return faults


def _refusal(module: Any, parameters: Mapping[str, Any], where: str, *left_out: str) -> list[str]:
    """What the plugin itself has against a combination of parameters, before it sees any data."""
    try:
        module.check(**{name: value for name, value in parameters.items() if name not in left_out})
    except (InputError, OSError) as error:
        return [f"{where}: {sentence(error)}"]
    return []


def _ordered(content: Any) -> Any:
    """A copy with sorted keys: Snakemake compares parameters as text, and the order in config.yaml shall not count."""
    if isinstance(content, Mapping):
        return {key: _ordered(content[key]) for key in sorted(content)}
    return [_ordered(value) for value in content] if isinstance(content, list) else content


def _unknown(name: str, package: str, where: str) -> str:
    names = list(plugins.load(package))
    if name in names:
        return ""
    return f"{where}: found {abbreviate(name)}; expected one of {comma_list(names)}.{did_you_mean(name, names)}"


def _checksums(spec: Any) -> dict[str, Any]:
    found = {}
    for name in spec.files:
        found[f"{name}_sha256"] = {
            "description": f"SHA-256 of {name}, checked before use; none to use the file unchecked",
            "type": "string",
            "pattern": "^([0-9a-fA-F]{64}|none)$",
            "default": "none",
        }
        # Without a default: few files have nothing better, and a key that is not there is not checked.
        found[f"{name}_md5"] = {
            "description": f"MD5 of {name}, for a file of which no SHA-256 is published; none to use it unchecked",
            "type": "string",
            "pattern": "^([0-9a-fA-F]{32}|none)$",
        }
    return found


def _with_sweep(spec: Any) -> dict[str, Any]:
    lists = {
        name: {"description": f"values of {name}", "type": "array", "minItems": 1, "uniqueItems": True, "items": values}
        for name, values in spec.parameters.items()
    }
    sweep = {"description": "Values of parameters to be run one after the other.", **schema.parameters_schema(lists)}
    return schema.parameters_schema({**spec.parameters, "sweep": sweep})


def _check_kinds(experiment: Mapping[str, Any], path: str) -> list[str]:
    source, architecture = experiment["dataset"]["source"], experiment["model"]["architecture"]
    kind, kinds = plugins.spec("datasets", source).kind, plugins.spec("models", architecture).kinds
    if kind in kinds:
        return []
    fitting = [name for name, module in plugins.load("models").items() if kind in module.SPEC.kinds]
    return [
        f'{path}.model.architecture: found "{architecture}", which takes {" or ".join(kinds)} data; expected one that '
        f'takes the {kind} data of "{source}": {comma_list(fitting)}.'
    ]


def _check_folds(split: Mapping[str, Any], path: str) -> list[str]:
    if split["fold"] < split.get("folds", 1):
        return []
    if "folds" not in split:
        return [f"{path}.fold: found {split['fold']}, and no folds; expected folds beside it."]
    return [f"{path}.fold: found {split['fold']}; expected a number from 0 to {split['folds'] - 1}."]


def features(experiment: Mapping[str, Any]) -> tuple[str, ...]:
    """What methods may require: the features of the experiment's architecture, of its data, and that it is trained."""
    module = plugins.load("models")[experiment["model"]["architecture"]]
    found = module.SPEC.features
    if hasattr(module, "features"):
        found = module.features(**plugins.own_parameters(experiment["model"], module.SPEC))
    layers = () if module.SPEC.opaque else ("layers",)
    trained = ("training",) if experiment["training"]["epochs"] else ()
    truth = ("truth",) if spec_of(experiment, "dataset").truth else ()
    return (*found, *layers, *trained, *truth)


def typed(content: Any, quoted: Collection[tuple[str | int, ...]] = (), path: tuple[str | int, ...] = ()) -> Any:
    """Texts that are numbers or truths, read as such: "16", "0.5", "true".

    Args:
        content: what Snakemake has read of --config: texts alone, inside a mapping or a list.
        quoted: the paths of those that stood in quotes (`quoted_texts`), which stay texts.
        path: of the content itself.
    """
    if isinstance(content, Mapping):
        return {key: typed(value, quoted, (*path, key)) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [typed(value, quoted, (*path, position)) for position, value in enumerate(content)]
    if isinstance(content, str) and path not in quoted and _NUMBER_OR_TRUTH.fullmatch(content):
        return yaml.safe_load(content)
    return content


def quoted_texts(entries: Iterable[str] | None) -> set[tuple[str | int, ...]]:
    """The paths of the texts in quotes among the entries of --config as they were typed: `x={label: "40"}`."""
    found: set[tuple[str | int, ...]] = set()

    def walk(node: yaml.Node | None, path: tuple[str | int, ...]) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                walk(value, (*path, str(key.value)))
        elif isinstance(node, yaml.SequenceNode):
            for position, value in enumerate(node.value):
                walk(value, (*path, position))
        elif isinstance(node, yaml.ScalarNode):
            # Of two entries for one key the later one counts.
            (found.add if node.style in ("'", '"') else found.discard)(path)

    for entry in entries or ():
        key, _, value = entry.partition("=")
        with contextlib.suppress(yaml.YAMLError):
            # Snakemake leaves out quotes around the whole.
            walk(yaml.compose(value.strip("'\""), yaml.BaseLoader), (key,))
    return found


def _drop_inapplicable(
    experiment: dict[str, Any], key: str, found: Collection[str], asked: set[str], path: str
) -> tuple[dict[str, str], list[str]]:
    """Keep what the `features` found allow. What the experiment itself names is refused, not dropped."""
    owner = experiment["model"]["architecture"]
    source = experiment["dataset"]["source"]
    skipped, refused = {}, []
    kept = {}
    for name, parameters in experiment[key].items():
        if parameters is False:
            continue
        required = plugins.spec(OPTIONAL[key], name).requires
        lacking = [feature for feature in required if feature not in found]
        reason = f'"{source if lacking == ["truth"] else owner}" has no {comma_list(lacking)}'
        if lacking == ["training"]:
            reason = "training.epochs is 0"
        if not lacking:
            kept[name] = parameters
        elif name in asked:
            refused.append(f"{path}.{key}.{name}: found {_ONE[key]} that needs {comma_list(lacking)}; {reason}.")
        else:
            skipped[name] = reason
    experiment[key] = kept
    return skipped, refused
