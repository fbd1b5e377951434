"""Which methods, views and scores run: a named set, a list that means these alone, or changes of what is inherited.

All forms become one: a mapping of names to parameters (or false), in which `only` and `without` may stand as well.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import Any

from pellucid import plugins
from pellucid.config.keys import METHOD_SETS, NAMED_SETS
from pellucid.messages import abbreviate, comma_list, did_you_mean

# What an experiment may have many of, each by its name, and the packages that hold them.
PACKAGES = {"methods": "explain", "views": "views", "scores": "score"}
# What runs where the configuration says nothing; `all` has plugins that are added later as well.
BASIC = {
    "methods": (
        *("saliency", "occlusion", "gradient_input", "smoothgrad", "vargrad", "integrated_gradients"),
        *("guided_backpropagation", "deconvnet", "grad_cam", "grad_cam_plus_plus", "layer_cam", "guided_grad_cam"),
        *("cam", "attention_weights", "attention_rollout", "attention_gradient", "instance_weights", "deep_shap"),
        *("gradient_shap", "score_cam", "rise", "lime"),
        *("kernel_shap", "random_attribution", "input_magnitude", "all_equal"),
    ),
    "views": (
        *("architecture", "filters", "activations", "maximal_activations", "feature_maps"),
        *("activation_maximisation", "embedding", "prototypes", "pruning"),
    ),
    "scores": (
        *("localisation", "precision_recall", "deletion_insertion", "sufficiency", "faithfulness_correlation"),
        *("infidelity", "sensitivity", "seed_stability", "parameter_randomisation", "random_logit", "random_labels"),
        *("form", "cost"),
    ),
}
# Sets of methods of one kind, by name (`METHOD_SETS`).
OF_ONE_KIND: dict[str, tuple[str, ...]] = {
    "cam": (
        *("grad_cam", "grad_cam_plus_plus", "layer_cam", "hires_cam", "xgrad_cam", "ablation_cam", "eigen_cam"),
        *("guided_grad_cam", "cam", "score_cam"),
    ),
    "relevance": ("lrp", "deep_shap", "full_grad"),
    "masks": ("extremal_perturbation", "dynamask", "extremal_mask", "temporal_saliency_rescaling"),
}
_LISTS = ("only", "without")


def sets(key: str) -> tuple[str, ...]:
    """Return the names of the sets that `key` ("methods", "views" or "scores") may be."""
    return (*NAMED_SETS, *METHOD_SETS) if key == "methods" else NAMED_SETS


def as_mapping(written: Any, key: str, path: str) -> tuple[dict[str, Any], list[str]]:
    """Return the one form of what the user wrote under `key` ("methods", "views" or "scores"), and its faults.

    Args:
        written: a text, a list or a mapping.
        key: the key.
        path: of the key, for messages.
    """
    if isinstance(written, str):
        return {"only": written}, []
    if isinstance(written, list):
        return _listed(written, key, path)
    faults = []
    for name in set(written) - set(_LISTS):
        faults += unknown(name, PACKAGES[key], path)
    for word in _LISTS:
        names = written.get(word, [])
        if word == "only" and isinstance(names, str) and names in sets(key):
            continue
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            expected = f"a list of names{' or ' + comma_list(sets(key)) if word == 'only' else ''}"
            faults.append(f"{path}.{word}: found {abbreviate(names)}; expected {expected}.")
            continue
        for name in names:
            faults += unknown(name, PACKAGES[key], f"{path}.{word}")
    return dict(written), faults or _contradictions(written, key, path)


def _contradictions(written: Mapping[str, Any], key: str, path: str) -> list[str]:
    """Return what one mapping both asks for and leaves out: one of the two would be lost without a word."""
    only, without = written.get("only", "all"), written.get("without", [])
    named = set() if isinstance(only, str) else set(only)
    faults = [
        f"{path}.without: found {name}, which only names; expected one of the two." for name in without if name in named
    ]
    for name in [name for name in written if name not in _LISTS]:
        if written[name] is False:
            found = f"false, and {name} under only" if name in named else ""
        elif name in without:
            found = f"{name} here and under without"
        else:
            found = "" if name in names_of(only, key) else f"{name} here, and not under only"
        if found:
            faults.append(f"{path}.{name}: found {found}; expected one of the two.")
    return faults


def _listed(written: list[Any], key: str, path: str) -> tuple[dict[str, Any], list[str]]:
    names: list[str] = []
    parameters: dict[str, Any] = {}
    faults = []
    for position, entry in enumerate(written):
        name, values = next(iter(entry.items())) if isinstance(entry, Mapping) and len(entry) == 1 else (entry, {})
        if not isinstance(name, str) or not (values is None or isinstance(values, Mapping)):
            faults.append(
                f"{path}.{position}: found {abbreviate(entry)}; expected a name, or one name with its parameters, such "
                "as occlusion: {window: 9}."
            )
        elif wrong := unknown(name, PACKAGES[key], path):
            faults += wrong
        elif name in names:
            faults.append(f"{path}.{position}: found {name} a second time; expected each name once.")
        else:
            names.append(name)
            if values:
                parameters[name] = values
    return {"only": names, **parameters}, faults


def unknown(name: str, package: str, where: str) -> list[str]:
    """Return the fault of a name that no plugin of the package has; none where one has it."""
    names = list(plugins.load(package))
    if name in names:
        return []
    return [f"{where}: found {abbreviate(name)}; expected one of {comma_list(names)}.{did_you_mean(name, names)}"]


def names_of(only: str | Collection[str], key: str) -> tuple[str, ...]:
    """Return the names in a named set, or in a list."""
    if isinstance(only, str):
        every = tuple(plugins.load(PACKAGES[key]))
        return {"none": (), "basic": BASIC[key], "all": every, **OF_ONE_KIND}[only]
    return tuple(only)


def named_by(selection: Mapping[str, Any]) -> set[str]:
    """Return what a selection itself names: it is refused, not left out, where it does not apply."""
    only = selection.get("only", ())
    return {name for name in selection if name not in _LISTS} | (set() if isinstance(only, str) else set(only))


def inherit(entries: Mapping[str, Any], selection: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return what runs, with parameters: the inherited entries, changed by a selection in its one form."""
    # An empty line behind a name is `true`: it undoes nothing of what is inherited.
    changes = {name: True if value is None else value for name, value in selection.items() if name not in _LISTS}
    merged = merge(entries, changes)
    for name, value in changes.items():
        if isinstance(value, Mapping) and isinstance(merged[name].get("sweep"), Mapping):
            merged[name] = _without_inherited_sweep(merged[name], value)
    if "only" in selection:
        kept = [name for name in names_of(selection["only"], key) if changes.get(name) is not False]
        # What is neither a mapping nor true or false is kept, to be refused.
        merged = {name: {} if isinstance(merged.get(name, True), bool) else merged[name] for name in kept}
    return {name: value for name, value in merged.items() if name not in selection.get("without", ())}


def _without_inherited_sweep(merged: Mapping[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry without inherited lists of values for parameters that are written with one value."""
    own = written.get("sweep", {})
    sweep = {name: values for name, values in merged["sweep"].items() if name not in written or name in own}
    entry = {name: value for name, value in merged.items() if name != "sweep"}
    return {**entry, "sweep": sweep} if sweep else entry


def put(selection: dict[str, Any], key: str, name: str, on: bool) -> None:
    """Let a selection run, or leave out, what a study sweeps over, whatever its lists say."""
    only = selection.get("only")
    # Beside a set the value itself says whether the name runs.
    if only is not None and not (isinstance(only, str) and name in names_of(only, key)):
        kept = [kept for kept in names_of(only, key) if kept != name]
        selection["only"] = [*kept, name] if on else kept
    if on and "without" in selection:
        selection["without"] = [left_out for left_out in selection["without"] if left_out != name]


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` overridden by `over`, key by key at every depth."""
    merged = copy.deepcopy(dict(base))
    for key, value in over.items():
        # A target is one value in several forms: {why: a, not: b} adds nothing to {class: a}.
        inherited = isinstance(merged.get(key), Mapping) and key != "target"
        if inherited and isinstance(value, Mapping):
            merged[key] = merge(merged[key], value)
        elif not (inherited and value is True):  # `occlusion: true` turns on what the defaults say
            merged[key] = copy.deepcopy(value)
    return merged
