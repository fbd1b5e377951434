"""What is checked of the settings of the measured examples, before any job is planned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid import plugins
from pellucid.config import unlabelled
from pellucid.config.shown_examples import SHOWN
from pellucid.config.variants import TIME, domain_of, method_of, variants


def faults(experiment: Mapping[str, Any], path: str) -> list[str]:
    """Return what is wrong with the settings of the measured examples."""
    examples, found = experiment["examples"], []
    spec = plugins.spec("datasets", experiment["dataset"]["source"])
    if examples["summarise"] and not unlabelled.is_labelled(experiment):
        found.append(
            f"{path}.examples.summarise: found {examples['summarise']}, and examples without labels; expected 0, since "
            "summaries are made class by class."
        )
    if examples["align"] == "planted" and not spec.truth:
        found.append(
            f'{path}.examples.align: found "planted", and a data source that plants no evidence; expected none.'
        )
    if examples["align"] != "none" and spec.kind != "series":
        found.append(f'{path}.examples.align: found "{examples["align"]}", and images; expected none, or series.')
    return found + _of_scored(experiment, f"{path}.examples.scored")


def _of_scored(experiment: Mapping[str, Any], where: str) -> list[str]:
    """Return why the measured examples cannot be scored as the key at `where` asks."""
    scored, measured = experiment["examples"]["scored"], experiment["examples"]["summarise"]
    if scored == SHOWN:
        return []
    if not measured:
        return [
            f"{where}: found {scored}, and no measured examples; expected shown, or examples.summarise with a number "
            "of examples of each class, or all."
        ]
    if isinstance(scored, int) and isinstance(measured, int) and scored > measured:
        return [
            f"{where}: found {scored} examples of each class, and summarise: {measured}; expected at most {measured}."
        ]
    elsewhere = [
        label
        for method, parameters in experiment["methods"].items()
        for label, values in variants(method, parameters).items()
        if domain_of(values) != TIME
    ]
    if elsewhere and experiment["scores"]:
        return [
            f"{where}: found {scored}, and {elsewhere[0]}, whose maps are over {_domain(experiment, elsewhere[0])}; "
            "expected shown, or methods whose maps are over time alone, since other maps are not measured. Explain "
            "over frequencies in an experiment of its own."
        ]
    return []


def _domain(experiment: Mapping[str, Any], label: str) -> str:
    method = method_of(label)
    return domain_of(variants(method, experiment["methods"][method])[label])
