"""The `tune` entry of an experiment: which variants of which methods it compares, and whether it can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pellucid import plugins
from pellucid.config.variants import domain_of, variants
from pellucid.messages import abbreviate, comma_list, did_you_mean


def metric(tune: Mapping[str, Any]) -> str:
    """Return the metric by which variants are chosen: the one that is named, or the first of the score."""
    return str(tune.get("metric") or next(iter(plugins.spec("score", tune["score"]).metrics)))


def compared(methods: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return what is compared of each method with a sweep.

    Returns:
        By method, `variants` (the labels of all) and `default` (the label of the one whose swept parameters have the
        method's defaults; None if there is none).
    """
    found = {}
    for method, parameters in methods.items():
        if sweep := parameters.get("sweep"):
            defaults = _defaults(method)
            runs = variants(method, parameters)
            unchanged = [
                label for label, values in runs.items() if all(values[key] == defaults.get(key) for key in sweep)
            ]
            found[method] = {"variants": list(runs), "default": unchanged[0] if unchanged else None}
    return found


def faults(experiment: Mapping[str, Any], path: str) -> list[str]:
    """Return why the variants of methods cannot be compared by the score that `tune` names."""
    if (tune := experiment.get("tune")) is None:
        return []
    scores, here = experiment["scores"], f"{path}.tune"
    if tune["score"] not in scores:
        known = comma_list(scores) or "none"
        return [
            f"{here}.score: found {abbreviate(tune['score'])}; expected a score of this experiment: {known}."
            f"{did_you_mean(tune['score'], scores)}"
        ]
    spec, name = plugins.spec("score", tune["score"]), metric(tune)
    judging = [key for key, known in spec.metrics.items() if known.better != "neither" and not known.once]
    judging = [key for key in judging if not spec.metrics[key].of_model]
    if name.split(".")[0] not in judging:
        return [
            f"{here}.metric: found {abbreviate(name)}; expected a metric of {tune['score']} by which single "
            f"explanations are better or worse: {comma_list(judging) or 'it has none'}.{did_you_mean(name, judging)}"
        ]
    if other := _of_other_domains(experiment["methods"], spec.domains):
        return [
            f"{path}.methods.{other}: found maps over frequencies, which {tune['score']} leaves out; expected domain: "
            f"{' or '.join(spec.domains)}, since tune compares all variants of a sweep."
        ]
    if not (methods := compared(experiment["methods"])):
        return [f"{here}: found no method with a sweep; expected at least one, whose values are compared."]
    return [
        f"{path}.methods.{method}.sweep: found no values that are the method's defaults; expected them among the "
        "others, since tune compares with them: "
        + comma_list(f"{key}: {_defaults(method).get(key)}" for key in experiment["methods"][method]["sweep"])
        + "."
        for method, entry in methods.items()
        if entry["default"] is None
    ]


def _of_other_domains(methods: Mapping[str, Any], domains: Sequence[str]) -> str:
    """Return the first method with a sweep that has a variant in a domain that a score leaves out; empty for none."""
    swept = {method: parameters for method, parameters in methods.items() if parameters and parameters.get("sweep")}
    for method, parameters in swept.items():
        if any(domain_of(values) not in domains for values in variants(method, parameters).values()):
            return method
    return ""


def _defaults(method: str) -> dict[str, Any]:
    return plugins.defaults(plugins.load("explain")[method])
