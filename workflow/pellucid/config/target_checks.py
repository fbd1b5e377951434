"""The `examples` entry of an experiment, checked against its task and the names that are known before any data."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pellucid.config import measured_checks
from pellucid.config import task as tasks_of
from pellucid.messages import MANY_CLASSES, abbreviate, comma_list, did_you_mean
from pellucid.tasks import MULTI_LABEL, OUTPUT_WORD, OUTPUT_WORDS, REGRESSION

# Values of examples.target, and of why in it, that are not names.
KEYWORDS = ("predicted", "true")


def faults(experiment: Mapping[str, Any], path: str) -> list[str]:
    """Return what is wrong with the choice of examples and with what is explained of each.

    Args:
        experiment: complete.
        path: its key.
    """
    examples, task = experiment["examples"], tasks_of.of(experiment)
    found = _of_choice(examples["choose"], task, f"{path}.examples.choose")
    target, where = examples["target"], f"{path}.examples.target"
    if isinstance(target, Mapping) and "why" in target and str(target["why"]) == str(target["not"]):
        name = abbreviate(target["why"])
        found.append(
            f"{where}: found why: {name} and not: {name}, whose difference is 0 for every example; expected two "
            f"different {OUTPUT_WORDS[task]}."
        )
    found += measured_checks.faults(experiment, path)
    return found + _of_names(target, known_names(experiment), where, OUTPUT_WORD[task])


def unknown_names(target: Any, names: Sequence[str], path: str, task: str) -> list[str]:
    """Return the faults of names in `examples.target` that the data do not have, as soon as the data are read."""
    return _of_names(target, names, f"{path}.examples.target", OUTPUT_WORD[task])


def named(target: Any) -> list[tuple[str, str]]:
    """Return the names of outputs in a value of `examples.target`, each with the key below it, such as ".why"."""
    if not isinstance(target, Mapping):
        return [] if target in KEYWORDS else [("", str(target))]
    if "class" in target:
        return [(".class", str(target["class"]))]
    why = [] if target["why"] in KEYWORDS else [(".why", str(target["why"]))]
    return [*why, (".not", str(target["not"]))]


def known_names(experiment: Mapping[str, Any]) -> list[str]:
    """Return the names of all outputs where the configuration states them; none where only the data tell them."""
    of_model, renamed = experiment["model"].get("classes"), experiment["dataset"].get("class_names")
    if of_model:
        # An entry may be a label that class_names renames.
        names = renamed.values() if isinstance(renamed, Mapping) else ()
        return [*map(str, of_model), *map(str, names)]
    # A mapping may rename some labels only.
    if isinstance(renamed, list | tuple) and renamed:
        return list(map(str, renamed))
    # Columns of a table, unless they are named by a pattern or a position.
    columns = experiment["dataset"].get("labels") or experiment["dataset"].get("values") or ()
    plain = all(isinstance(name, str) and not set("*?[") & set(name) for name in columns)
    return [] if renamed or not plain or isinstance(columns, str) else list(columns)


def _of_choice(choose: str, task: str, where: str) -> list[str]:
    if choose == "negative" and task != MULTI_LABEL:
        return [
            f'{where}: found "negative", the examples without a label, and a {_title(task)} task; expected correct, '
            "wrong or any: only examples with several labels can lack one."
        ]
    if choose in ("most_confident", "least_confident") and task == REGRESSION:
        return [
            f'{where}: found "{choose}", and a regression, which gives no confidence; expected any or correct (evenly '
            "along the range of the true value), or wrong (the largest errors)."
        ]
    return []


def _of_names(target: Any, names: Collection[str], where: str, word: str) -> list[str]:
    """Return the faults of names that are not among the known ones; none where no names are known."""
    if not names:
        return []
    shown = list(dict.fromkeys(names))
    listed = comma_list(shown[:MANY_CLASSES]) + (f", … ({len(shown):,} in all)" if len(shown) > MANY_CLASSES else "")
    return [
        f"{where}{key}: found {abbreviate(name)}; expected the name of a {word}: {listed}."
        f"{did_you_mean(name, [*KEYWORDS, *shown])}"
        for key, name in named(target)
        if name not in names
    ]


def _title(task: str) -> str:
    return task.replace("_", "-")
