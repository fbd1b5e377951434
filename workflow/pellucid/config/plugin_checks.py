"""Checks of what an experiment names: data source, architecture, methods, views and scores, and their parameters."""

from __future__ import annotations

import copy
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pellucid import plugins
from pellucid.config import inputs, model_classes, schema_errors, studies
from pellucid.config import task as tasks_of
from pellucid.config.named_files import FILES, check_places, sentence, spec_of
from pellucid.config.plugin_selection import PACKAGES, unknown
from pellucid.config.unlabelled import is_labelled
from pellucid.config.variants import domain_of, variants
from pellucid.errors import InputError
from pellucid.features import WORDS, with_implied
from pellucid.messages import comma_list

_KINDS = {"methods": "a method", "views": "a view", "scores": "a score"}
# Parameters that have a new name, by the old one.
_RENAMED = {"momentum": "batch_norm_momentum"}
# Entries that were checked before, with all their defaults: most experiments repeat most entries.
_COMPLETED: dict[tuple[str, str, str], Any] = {}


def declared(package: str, name: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the parameters of a plugin, each as a JSON Schema."""
    return plugins.parameters(plugins.load(package)[name])


def sweepable(entry: Mapping[str, Any]) -> list[str]:
    """Return the dotted keys that a study may sweep over."""
    settings = schema_errors.of_config()["$defs"]["settings"]["properties"]
    # What a recipe says is in its keys when the members of a study are made.
    keys = [key for key in studies.leaves(studies.without(settings, PACKAGES)) if key != "training.recipe"]
    for key, (selector, package) in FILES.items():
        keys.append(f"{key}.{selector}")
        named = [entry[key][selector], *entry.get("sweep", {}).get(f"{key}.{selector}", ())]
        for name in {str(name) for name in named} & set(plugins.load(package)):
            keys += [f"{key}.{parameter}" for parameter in entry_parameters(key, name) if parameter != selector]
    for key, package in PACKAGES.items():
        for name, module in plugins.load(package).items():
            keys += [f"{key}.{name}", *(f"{key}.{name}.{parameter}" for parameter in plugins.names(module))]
    return keys


def check_plugins(experiment: dict[str, Any], path: str) -> list[str]:
    """Check what the experiment names, and the parameters of each; fill in the defaults. Return the faults."""
    faults: list[str] = []
    for key in FILES:
        faults += _check_entry(experiment, key, path)
    for key in PACKAGES:
        faults += check_selected(experiment[key], key, path)
    return faults or _check_kinds(experiment, path) or inputs.check(experiment, path)


def _check_entry(experiment: dict[str, Any], key: str, path: str) -> list[str]:
    """Check the `dataset` or `model` entry, and fill in its defaults."""
    selector, package = FILES[key]
    name, where = experiment[key][selector], f"{path}.{key}"
    if wrong_name := unknown(name, package, f"{where}.{selector}"):
        return wrong_name
    module = plugins.load(package)[name]
    allowed = entry_parameters(key, name)
    for old, new in _RENAMED.items():
        if old in experiment[key] and old not in allowed and new in allowed:
            return [f"{where}.{old}: this key is now {new}; write {where}.{new}."]
    parameters = schema_errors.parameters_schema(allowed, plugins.required(module))
    faults = schema_errors.problems(experiment[key], parameters, where) or check_places(experiment[key], module, where)
    experiment[key] = schema_errors.with_defaults(experiment[key], parameters)
    if not faults:
        faults = _refusal(module, experiment[key], where, selector)
    if not faults:
        experiment[key] |= plugins.hook(module, "fill")(**experiment[key])
    return faults


def entry_parameters(key: str, name: str) -> dict[str, Any]:
    """Return the keys of a `dataset` or `model` entry that names a plugin, each as a JSON Schema."""
    selector, package = FILES[key]
    return {**declared(package, name), selector: {"type": "string"}, **_checksums(plugins.spec(package, name))}


def selected_schema(key: str, name: str) -> dict[str, Any]:
    """Return the schema of the parameters of a method, view or score."""
    parameters = declared(PACKAGES[key], name)
    # A score of all explanations is one table: it has no variants.
    return schema_errors.parameters_schema(parameters) if key == "scores" else _with_sweep(parameters)


def check_selected(entries: dict[str, Any], key: str, path: str) -> list[str]:
    """Check the parameters of methods, views or scores, and fill in their defaults. Return the faults."""
    faults = []
    for name, parameters in entries.items():
        where = f"{path}.{key}.{name}"
        if wrong_name := unknown(name, PACKAGES[key], f"{path}.{key}"):
            faults += wrong_name
        elif parameters is not False:
            written = {} if parameters is None or parameters is True else parameters
            known = (key, name, json.dumps(written))
            if known not in _COMPLETED:
                completed, refused = _completed(name, key, written, where)
                faults += refused
                if refused:
                    continue
                _COMPLETED[known] = completed
            entries[name] = copy.deepcopy(_COMPLETED[known])
    return faults


def _completed(name: str, key: str, written: Any, where: str) -> tuple[Any, list[str]]:
    """Return the parameters with their defaults, and the faults."""
    module, allowed = plugins.load(PACKAGES[key])[name], selected_schema(key, name)
    if faults := schema_errors.problems(written, allowed, where):
        return written, faults
    completed = schema_errors.with_defaults(written, allowed)
    try:
        runs = list(variants(name, completed).values())
    except InputError as error:
        return completed, [f"{where}: {error}"]
    for run in runs:
        faults += _refusal(module, run, where)
    return completed, faults


def _refusal(module: Any, parameters: Mapping[str, Any], where: str, *left_out: str) -> list[str]:
    """Return the plugin's own objection to a combination of parameters, if any, before it sees any data."""
    try:
        plugins.hook(module, "check")(**{name: value for name, value in parameters.items() if name not in left_out})
    except (InputError, OSError) as error:
        return [f"{where}: {sentence(error)}"]
    return []


def _checksums(spec: Any) -> dict[str, Any]:
    """Return the parameters that hold the checksums of a plugin's files."""
    parameters: dict[str, Any] = {}
    for name in spec.files:
        parameters[f"{name}_sha256"] = {
            "description": f"SHA-256 of {name}, checked before use; none to use the file unchecked",
            "type": "string",
            "pattern": "^([0-9a-fA-F]{64}|none)$",
            "default": "none",
        }
        # Without a default: few files have nothing better, and a key that is not there is not checked.
        parameters[f"{name}_md5"] = {
            "description": f"MD5 of {name}, for a file of which no SHA-256 is published; none to use it unchecked",
            "type": "string",
            "pattern": "^([0-9a-fA-F]{32}|none)$",
        }
    return parameters


def _with_sweep(parameters: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the schema of a method or a view: its parameters, and lists of their values under `sweep`."""
    lists = {
        name: {"description": f"values of {name}", "type": "array", "minItems": 1, "uniqueItems": True, "items": values}
        for name, values in parameters.items()
    }
    sweep = {
        "description": "Values of parameters to be run one after the other.",
        **schema_errors.parameters_schema(lists),
    }
    return schema_errors.parameters_schema({**parameters, "sweep": sweep})


def _check_kinds(experiment: Mapping[str, Any], path: str) -> list[str]:
    """Return the fault of a model that does not take the kind of the data."""
    source, architecture = experiment["dataset"]["source"], experiment["model"]["architecture"]
    kind, kinds = plugins.spec("datasets", source).kind, plugins.spec("models", architecture).kinds
    if kind in kinds:
        return []
    fitting = [name for name, module in plugins.load("models").items() if kind in module.SPEC.kinds]
    return [
        f'{path}.model.architecture: found "{architecture}", which takes {" or ".join(kinds)} data; expected one that '
        f'takes the {kind} data of "{source}": {comma_list(fitting)}.'
    ]


def features(experiment: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what methods may require: features of the architecture and of the data, and that the model is trained.

    Raises:
        InputError: the file of the model cannot be used, or has another number of outputs than the data have classes.
    """
    model_classes.require_number(experiment)
    module = plugins.load("models")[experiment["model"]["architecture"]]
    several = inputs.of_model(experiment) if module.SPEC.several_inputs else {}
    own = plugins.hook(module, "features")(**plugins.own_parameters(experiment["model"], module), **several)
    layers = () if module.SPEC.opaque else ("layers",)
    trained = ("training",) if experiment["training"]["epochs"] else ()
    source = spec_of(experiment, "dataset")
    truth = tuple(name for name in ("truth", "truth_frequency") if getattr(source, name))
    labels = ("labels",) if is_labelled(experiment) else ()
    split = ("split",) if experiment["split"] != "none" else ()
    return (*with_implied(own), *layers, *trained, *truth, *labels, *split)


def drop_inapplicable(
    experiment: dict[str, Any], key: str, present: Collection[str], named: Collection[str], path: str
) -> tuple[dict[str, str], list[str]]:
    """Keep the methods, views or scores whose requirements are met.

    Args:
        experiment: changed in place.
        key: "methods", "views" or "scores".
        present: the `features` of the experiment.
        named: what the experiment itself names: it is refused, not dropped.
        path: the key of the experiment.

    Returns:
        The reason for each that is dropped, by name; a fault for each that is refused.
    """
    task, kind = tasks_of.of(experiment), spec_of(experiment, "dataset").kind
    skipped, refused, kept = {}, [], {}
    for name, parameters in experiment[key].items():
        if parameters is False:
            continue
        made_for, reason = _unfit(experiment, plugins.spec(PACKAGES[key], name), task, kind, present)
        if not reason:
            kept[name] = parameters
        elif name in named:
            refused.append(f"{path}.{key}.{name}: found {_KINDS[key]} {made_for}; {reason}.")
        else:
            skipped[name] = reason
    experiment[key] = kept
    return skipped, refused


def _unfit(experiment: Mapping[str, Any], spec: Any, task: str, kind: str, present: Collection[str]) -> tuple[str, str]:
    """Return what a method, view or score is made for, and why the experiment is none of these; both empty if it is."""
    if reason := inputs.misfit(experiment, spec):
        return "of another kind of input", reason
    if task not in spec.tasks:
        return f"for the task {' or '.join(spec.tasks)}", f"the data are of the task {task}"
    if kind not in (kinds := getattr(spec, "kinds", (kind,))):
        return f"for data of the kind {' or '.join(kinds)}", f"the data are of the kind {kind}"
    if not (lacking := [feature for feature in spec.requires if feature not in present]):
        return _of_another_domain(experiment, getattr(spec, "domains", ()))
    of_data = set(lacking) <= {"truth", "truth_frequency"}
    without = experiment["dataset"]["source"] if of_data else experiment["model"]["architecture"]
    in_words = "; ".join(WORDS.get(feature, feature) for feature in lacking)
    reason = f'"{without}" has no {comma_list(lacking)} ({in_words})'
    if lacking == ["training"]:
        reason = "training.epochs is 0"
    elif lacking == ["truth"]:
        reason = f'data of "{without}" do not say where the evidence lies (truth)'
    elif "labels" in lacking:
        reason = "the data have no labels"
    elif lacking == ["split"]:
        reason = "split is none"
    return f"that needs {comma_list(lacking)}", reason


def _of_another_domain(experiment: Mapping[str, Any], judged: Sequence[str]) -> tuple[str, str]:
    """Return what a score is made for, and why no explanation is over it; both empty if one is, or if none is made."""
    methods = {name: written for name, written in experiment["methods"].items() if written is not False}
    over = {domain_of(run) for name, written in methods.items() for run in variants(name, written).values()}
    if not judged or not over or over & set(judged):
        return "", ""
    names = " or ".join(judged)
    return f"of explanations over {names}", f"no method has domain: {names}"


def misfits(experiment: Mapping[str, Any], axes: Sequence[int] | None, channels: int | None) -> list[str]:
    """Return the faults of parameters that do not fit the examples.

    Args:
        experiment: complete.
        axes: sizes of its examples, without the channels; None while they are not known.
        channels: number of their channels, or None.
    """
    faults = []
    for key, package in PACKAGES.items():
        for name, parameters in experiment[key].items():
            module = plugins.load(package)[name]
            if parameters is False:
                continue
            for run in [parameters] if key == "scores" else variants(name, parameters).values():
                try:
                    if axes is not None:
                        plugins.hook(module, "fits")(axes, **run)
                    if channels is not None and key == "views":
                        plugins.hook(module, "fits_channels")(channels, **run)
                except InputError as error:
                    faults.append(f"{key}.{name}: {error}")
    return faults
