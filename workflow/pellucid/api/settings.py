"""Check the name of a method or score and its parameters, by the same definitions as `config.yaml`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pellucid import plugins
from pellucid.config import plugin_checks, schema_errors, unused
from pellucid.config.named_files import sentence
from pellucid.errors import InputError
from pellucid.messages import abbreviate, comma_list, did_you_mean
from pellucid.parameters import plain

_OUTPUTS_ONLY = "occlusion, rise, lime and kernel_shap need the outputs alone."
# The features of a model that a method or score may require, in words.
_NEEDED = {
    "conv": "a convolution whose maps lie over the axes of the input",
    "relu": "ReLUs, and no rectifier of another form",
    "relevance_rule": "layers that LRP has rules for, and no others",
    "rescale_rule": "layers that Deep SHAP has rules for, and no others",
    "gap": "global average pooling, and after it the dense layer of the classes alone",
    "attention": "the attention layer of the architecture attention_lstm",
    "self_attention": "self-attention over tokens in the order of time, of which the mean or one is read",
    "instances": "the windows of the architecture mil_cnn",
    "layers": "layers",
    "truth": "the places where evidence was planted, which the workflow alone knows",
    "truth_frequency": "the frequencies where evidence was planted, which the workflow alone knows",
    "training": "a training by the workflow",
}


def completed(package: str, name: Any, written: Mapping[str, Any], axes: Sequence[int] | None) -> dict[str, Any]:
    """Return the parameters of a method or score, with their defaults.

    Args:
        package: "explain", "score" or "views".
        name: of the method, score or view.
        written: the parameters that the caller passes.
        axes: sizes of an example, without the channels; None where they are not known yet.

    Raises:
        InputError: no such method, score or view, an unknown parameter, a value that is not allowed, or one that does
            not fit examples of these sizes.
    """
    kind = {"explain": "method", "score": "score", "views": "view"}[package]
    modules = plugins.load(package)
    if not isinstance(name, str) or name not in modules:
        hint = did_you_mean(str(name), modules).strip()
        raise InputError.unexpected(kind, abbreviate(name), f"one of {comma_list(modules)}", hint)
    schema = schema_errors.parameters_schema(plugin_checks.declared(package, name), plugins.required(modules[name]))
    values = {parameter: _plain(value) for parameter, value in written.items()}
    if faults := schema_errors.problems(values, schema, name):
        where, _, problem = faults[0].partition(": ")
        raise InputError(where, problem)
    result: dict[str, Any] = schema_errors.with_defaults(values, schema)
    for unread, (key, needed) in (unused.parameters(name, result) if package == "explain" else {}).items():
        raise InputError(
            f"{name}.{unread}", f"it has no effect beside {key}: {result[key]}.", f"It needs {key}: {needed}."
        )
    try:
        plugins.hook(modules[name], "check")(**result)
        if axes is not None:
            plugins.hook(modules[name], "fits")(axes, **result)
    except OSError as error:
        raise InputError(name, sentence(error)) from None
    return result


def by_name(key: str, entries: Any) -> dict[str, Mapping[str, Any]]:
    """Return the parameters of several methods or scores by name, from a list of names or a mapping.

    Raises:
        InputError: neither, or none, or a name twice.
    """
    expected = "a list of names, or a mapping of names to parameters, such as {name: {}}"
    if isinstance(entries, str) or not isinstance(entries, Iterable):
        raise InputError.unexpected(key, abbreviate(entries), expected)
    listed = list(entries)
    if not listed or not all(isinstance(name, str) for name in listed):
        raise InputError.unexpected(key, abbreviate(entries) if listed else "none", expected)
    if twice := [name for name in listed if listed.count(name) > 1]:
        raise InputError.unexpected(key, f"{abbreviate(twice[0])} twice", "each name once")
    parameters = {name: entries[name] or {} if isinstance(entries, Mapping) else {} for name in listed}
    for name, written in parameters.items():
        if not isinstance(written, Mapping):
            raise InputError.unexpected(f"{key}.{name}", abbreviate(written), "its parameters, such as {}")
    return parameters


def require_features(package: str, name: str, features: Collection[str], where: str, *, opaque: bool) -> None:
    """Refuse a method or score that needs a feature that the model lacks.

    Args:
        package, name: as for `completed`.
        features: of the model (`models.base.ModelSpec.features`).
        where: name of the model in messages.
        opaque: whether only the outputs of the model are known.

    Raises:
        InputError: names what is missing.
    """
    lacking = [feature for feature in plugins.spec(package, name).requires if feature not in features]
    if lacking:
        needed = " and ".join(_NEEDED[feature] for feature in lacking)
        why = "of which only the outputs are known" if opaque else "which has none"
        raise InputError(name, f"it needs {needed}; it got {where}, {why}.", _OUTPUTS_ONLY if opaque else "")


def require_task(package: str, name: str, task: str) -> None:
    """Refuse a method or score that has no meaning for models of a task.

    Raises:
        InputError: names the tasks for which it has one.
    """
    fitting = plugins.spec(package, name).tasks
    if task not in fitting:
        raise InputError(name, f"it is for models of the task {' or '.join(fitting)}; the task of this one is {task}.")


def _plain(value: Any) -> Any:
    """Return a value as YAML would give it: numpy's numbers and arrays, and tuples, as Python's."""
    return plain(value.tolist() if isinstance(value, np.ndarray | np.generic) else value)
