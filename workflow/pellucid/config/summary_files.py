"""The files of the summaries of whole test sets, and what the rules that make them take from the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid.config.experiment_files import RESULTS, TargetError, names, results, setting
from pellucid.config.resolution import Config
from pellucid.config.shown_examples import shown
from pellucid.config.variants import method_of, variants_in_time

MEASURED = f"{RESULTS}/measured"
EXAMPLES = f"{MEASURED}/examples.npz"
PERMUTATION = f"{RESULTS}/summaries/permutation.csv"
# What is written of each variant, by the name of the rule's output.
SUMMARY = {
    "class_maps": "class_maps.npz",
    "shares": "shares.npz",
    "importance": "importance.csv",
    "agreement": "agreement.json",
    "groups": "groups.csv",
    "flags": "groups.json",
}
FIGURES = ("class_maps", "importance", "groups")


def is_summarised(config: Config, experiment: str) -> bool:
    """Return whether whole classes are explained and summarised."""
    asked = bool(setting(config, experiment, "examples")["summarise"]) and experiment not in config.unexplained
    return asked and bool(names(config, experiment, "methods"))


def shown_examples(config: Config, experiment: str) -> dict[str, Any]:
    """Return the settings of the examples that are shown."""
    # The files of the data hold the explained input already.
    return {key: value for key, value in shown(setting(config, experiment, "examples")).items() if key != "input"}


def measured_examples(config: Config, experiment: str) -> dict[str, Any]:
    """Return the settings of the measured examples.

    Raises:
        TargetError: the experiment measures none.
    """
    examples = setting(config, experiment, "examples")
    if not examples["summarise"]:
        raise TargetError(
            f"results/{experiment}/measured is asked for, but no examples are measured: found examples.summarise 0; "
            "expected a number of examples of each class, or all."
        )
    return {"number": examples["summarise"], "target": examples["target"], "align": examples["align"]}


def part_files(config: Config, experiment: str, method: str) -> list[str]:
    """Return the files with the maps of all parts of a method, in their order."""
    parts = setting(config, experiment, "examples")["parts"]
    measured_examples(config, experiment)
    return [f"{results(experiment)}/measured/{method}/part_{part}of{parts}.npy" for part in range(1, parts + 1)]


def parts_of_variant(config: Config, experiment: str, variant: str) -> list[str]:
    """Return the files with the maps of a variant's method, in their order.

    Raises:
        TargetError: the experiment has no such method or variant.
    """
    method = method_of(variant)
    methods = setting(config, experiment, "methods")
    if method not in methods or variant not in variants_in_time(method, methods[method]):
        raise TargetError(f"{variant} of {experiment} is asked for, but the experiment has no such explanation.")
    return part_files(config, experiment, method)


def method_parameters(config: Config, experiment: str, variant: str) -> Mapping[str, Any]:
    """Return the parameters of a variant's method, with its sweep."""
    parameters: Mapping[str, Any] = setting(config, experiment, "methods", method_of(variant))
    return parameters


def variant_module(wildcards: Any) -> list[str]:
    """Return the module of the method of a variant, from the wildcards of a rule."""
    return [f"explain.{method_of(wildcards.variant)}"]


def _folders(config: Config, experiment: str) -> list[str]:
    if not is_summarised(config, experiment):
        return []
    return [
        f"{results(experiment)}/summaries/{variant}"
        for method, parameters in setting(config, experiment, "methods").items()
        for variant in variants_in_time(method, parameters)
    ]


def figures(config: Config, experiment: str) -> list[str]:
    """Return the figures of the summaries of an experiment, as PNG; none where nothing is summarised."""
    return [f"{folder}/{name}.png" for folder in _folders(config, experiment) for name in FIGURES]


def flags(config: Config, experiment: str) -> list[str]:
    """Return the file with the flagged groups of maps of each explanation, in the order of methods and variants."""
    return [f"{folder}/{SUMMARY['flags']}" for folder in _folders(config, experiment)]


def all_figures(config: Config) -> list[str]:
    """Return the figures of the summaries of all experiments, as PNG."""
    return [path for experiment in config.experiments for path in figures(config, experiment)]


def recorded(config: Config, experiment: str) -> list[str]:
    """Return what MLflow records of the summaries: tables, figures, and the maps, of which it gets references alone."""
    drawn = figures(config, experiment)
    found = [f"{folder}/{name}" for folder in _folders(config, experiment) for name in SUMMARY.values()]
    if not found:
        return []
    maps = [path for method in names(config, experiment, "methods") for path in part_files(config, experiment, method)]
    return [
        EXAMPLES.format(experiment=experiment),
        PERMUTATION.format(experiment=experiment),
        *maps,
        *found,
        *drawn,
        *(f"{path.removesuffix('png')}svg" for path in drawn),
    ]
