"""`config.yaml`: checked as a whole before any job is planned, and resolved so that every key has its value.

This module is read while Snakemake parses the workflow: it imports nothing heavier than jsonschema.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from pellucid import plugins, schema
from pellucid.downloads import is_local, local_path
from pellucid.errors import InputError
from pellucid.explain.variants import variants
from pellucid.wording import listing, nearest, shown

# What --config may mean by a text; a class named "no" or a time "1:30" stays one.
_NUMBER_OR_TRUTH = re.compile(r"[+-]?\d+|[+-]?\d*\.\d+([eE][+-]\d+)?|true|false")
SCHEMA = Path(__file__).resolve().parent.parent / "schemas" / "config.schema.yaml"


class ConfigError(ValueError):
    """One or more faults of the configuration, one line each."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


@dataclass(frozen=True)
class Config:
    """The resolved configuration.

    Attributes:
        run: names of the experiments to build, in the user's order.
        experiments: every experiment of `run`, with all defaults filled in; `methods` holds only those that run.
        skipped: per experiment, the methods left out because they do not apply, with the reason.
        threads, memory_mb, tracking: as in config.yaml.
    """

    run: tuple[str, ...]
    experiments: Mapping[str, dict[str, Any]]
    skipped: Mapping[str, dict[str, str]]
    threads: int
    memory_mb: int
    tracking: dict[str, str]


def resolve(content: Mapping[str, Any]) -> Config:
    """Check and complete what the user wrote.

    Raises:
        ConfigError: with every fault found.
    """
    content = _plain(content)
    faults = schema.problems(content, _schema(), "")
    if faults:
        raise ConfigError(faults)
    content = schema.with_defaults(content, _schema())
    faults = [
        f"run.{position}: found {shown(name)}; expected the name of an experiment: "
        f"{listing(content['experiments'])}.{nearest(name, content['experiments'])}"
        for position, name in enumerate(content["run"])
        if name not in content["experiments"]
    ]
    # Told once and where they were written, not once for each experiment that inherits them.
    faults += _check_methods(content["defaults"]["methods"], "defaults")
    if faults:
        raise ConfigError(faults)
    settings = _schema()["$defs"]["settings"]
    experiments: dict[str, dict[str, Any]] = {}
    skipped: dict[str, dict[str, str]] = {}
    for name, own in content["experiments"].items():
        experiment = schema.with_defaults(merge(content["defaults"], own), {**settings, "$defs": _schema()["$defs"]})
        experiment.setdefault("title", "")
        own_faults = _check_plugins(experiment, f"experiments.{name}")
        faults += own_faults
        if name in content["run"] and not own_faults:
            faults += _check_files(experiment, f"experiments.{name}")
            asked = set(own.get("methods", {}))
            skipped[name], refused = _drop_inapplicable(experiment, asked, f"experiments.{name}")
            faults += refused
            experiments[name] = experiment
    if faults:
        raise ConfigError(faults)
    return Config(
        run=tuple(content["run"]),
        experiments={name: _ordered(experiments[name]) for name in content["run"]},
        skipped=skipped,
        threads=content["threads"],
        memory_mb=content["memory_mb"],
        tracking=content["tracking"],
    )


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


@cache
def _schema() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    return content


def _check_plugins(experiment: dict[str, Any], path: str) -> list[str]:
    """Check the parameters of source, architecture and methods against what each declares; fill in their defaults."""
    faults = []
    for key, selector, package in (("dataset", "source", "datasets"), ("model", "architecture", "models")):
        name = experiment[key][selector]
        if unknown := _unknown(name, package, f"{path}.{key}.{selector}"):
            faults.append(unknown)
            continue
        spec = plugins.spec(package, name)
        declared = {**spec.parameters, selector: {"type": "string"}, **_checksums(spec)}
        parameters = schema.parameters_schema(declared, getattr(spec, "required", ()))
        faults += schema.problems(experiment[key], parameters, f"{path}.{key}")
        experiment[key] = schema.with_defaults(experiment[key], parameters)
        if not faults and hasattr(module := plugins.load(package)[name], "check"):
            faults += _refusal(module, experiment[key], f"{path}.{key}", selector)
    faults += _check_methods(experiment["methods"], path)
    if not faults:
        faults += _check_kinds(experiment, path)
    return faults


def _check_methods(methods: dict[str, Any], path: str) -> list[str]:
    """Check the parameters of methods, and fill in their defaults."""
    faults = []
    for name, given in methods.items():
        where = f"{path}.methods.{name}"
        if unknown := _unknown(name, "explain", f"{path}.methods"):
            faults.append(unknown)
        elif given is not False:
            given = {} if given is None or given is True else given
            module = plugins.load("explain")[name]
            parameters = _method_schema(module.SPEC)
            own = schema.problems(given, parameters, where)
            if not own:
                methods[name] = schema.with_defaults(given, parameters)
                for chosen in variants(name, methods[name]).values() if hasattr(module, "check") else ():
                    own += _refusal(module, chosen, where)
            faults += own
    return faults


def _refusal(module: Any, parameters: Mapping[str, Any], where: str, *left_out: str) -> list[str]:
    """What the plugin itself has against a combination of parameters, before it sees any data."""
    try:
        module.check(**{name: value for name, value in parameters.items() if name not in left_out})
    except InputError as error:
        return [f"{where}: {error}"]
    return []


def _plain(content: Any) -> Any:
    """A copy in plain dictionaries and lists, with texts as keys: YAML reads the key 1 as a number."""
    if isinstance(content, Mapping):
        return {str(key): _plain(value) for key, value in content.items()}
    return [_plain(value) for value in content] if isinstance(content, list | tuple) else content


def _ordered(content: Any) -> Any:
    """A copy with sorted keys: Snakemake compares parameters as text, and the order in config.yaml shall not count."""
    if isinstance(content, Mapping):
        return {key: _ordered(content[key]) for key in sorted(content)}
    return [_ordered(value) for value in content] if isinstance(content, list) else content


def _unknown(name: str, package: str, where: str) -> str:
    names = list(plugins.load(package))
    if name in names:
        return ""
    return f"{where}: found {shown(name)}; expected one of {listing(names)}.{nearest(name, names)}"


def _checksums(spec: Any) -> dict[str, Any]:
    return {
        f"{name}_sha256": {
            "description": f"SHA-256 of {name}, checked before use; none to use the file unchecked",
            "type": "string",
            "pattern": "^([0-9a-fA-F]{64}|none)$",
            "default": "none",
        }
        for name in getattr(spec, "files", ())
    }


def _method_schema(spec: Any) -> dict[str, Any]:
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
        f'takes the {kind} data of "{source}": {listing(fitting)}.'
    ]


def _check_files(experiment: Mapping[str, Any], path: str) -> list[str]:
    """Local files must be there before any job starts; addresses can only be tried by the download itself."""
    faults = []
    for name, address in files(experiment):
        where = f"{path}.dataset.{name}"
        try:
            missing = is_local(address) and not local_path(address, where).is_file()
        except InputError as error:
            faults.append(str(error))
            continue
        if missing:
            homepage = plugins.spec("datasets", experiment["dataset"]["source"]).homepage
            faults.append(
                f"{where}: found no file at {address}; expected a file there, or another path or address in the "
                f"config. About this data set: {homepage}."
            )
    return faults


def files(experiment: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The files of an experiment's data source: (parameter, path or address)."""
    dataset = experiment["dataset"]
    for name in plugins.spec("datasets", dataset["source"]).files:
        yield name, dataset[name]


def typed(content: Any) -> Any:
    """Texts that are numbers or truths, read as such: "16", "0.5", "true"."""
    if isinstance(content, Mapping):
        return {key: typed(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [typed(value) for value in content]
    if isinstance(content, str) and _NUMBER_OR_TRUTH.fullmatch(content):
        return yaml.safe_load(content)
    return content


def _drop_inapplicable(experiment: dict[str, Any], asked: set[str], path: str) -> tuple[dict[str, str], list[str]]:
    """Keep the methods that the architecture allows. One that the experiment itself names is refused, not dropped."""
    features = plugins.spec("models", experiment["model"]["architecture"]).features
    skipped, refused = {}, []
    kept = {}
    for name, parameters in experiment["methods"].items():
        if parameters is False:
            continue
        lacking = [feature for feature in plugins.spec("explain", name).requires if feature not in features]
        reason = f'"{experiment["model"]["architecture"]}" has no {listing(lacking)}'
        if not lacking:
            kept[name] = parameters
        elif name in asked:
            refused.append(f"{path}.methods.{name}: found a method that needs {listing(lacking)}; {reason}.")
        else:
            skipped[name] = reason
    experiment["methods"] = kept
    return skipped, refused
