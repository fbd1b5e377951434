"""Replace each study, an entry of `experiments` that lists values of settings, by one experiment per combination.

A study has `sweep` (dotted keys and their values) or `repeats` (the number of trainings from different seeds). Its
experiments, the members, are named after their values: `digits_rates__learning_rate_0p001`.

This module is read while Snakemake parses the workflow, and only rewrites what the user wrote.
"""

from __future__ import annotations

import copy
import itertools
import json
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pellucid.config import explain_key, plugin_selection
from pellucid.messages import abbreviate, did_you_mean, format_shape

LIMIT = 200  # members of one study
MOST_EXPERIMENTS = 1000
LONGEST = 120  # characters of a member's name: file systems take 255, and file names add to it
_NAME = re.compile(r"(?:^|\.)([a-z][a-z0-9_]*)")  # where a line names an experiment
TRAINING_SEED = "training.seed"
# Settings that only repeat an experiment; members that differ in another setting are compared.
REPEATING = ("seed", TRAINING_SEED, "split.fold")
_KEYS = ("sweep", "repeats", "explain")  # of a study alone


@dataclass(frozen=True)
class Study:
    """Several experiments from one entry.

    Attributes:
        title: of the entry.
        members: the values of the swept settings, by member and dotted key.
        explain: which members are explained, beside those that `run` names: "all", "first" or "none".
    """

    title: str
    members: Mapping[str, Mapping[str, Any]]
    explain: str = "all"

    def explained(self) -> list[str]:
        """Return the members that are explained because the study is run."""
        names = list(self.members)
        return {"all": names, "first": names[:1], "none": []}[self.explain]

    def repeated(self, keys: Collection[str] = REPEATING) -> list[list[str]]:
        """Return the groups of members that differ in nothing but `keys`, in the order of the members."""
        groups: dict[str, list[str]] = {}
        for name, values in self.members.items():
            groups.setdefault(json.dumps(without(values, keys)), []).append(name)
        return list(groups.values())

    def retrained(self) -> list[list[str]]:
        """Return the groups of at least two members that differ in nothing but the seed of the training."""
        return [group for group in self.repeated((TRAINING_SEED,)) if len(group) > 1]


def without(values: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any]:
    """Return `values` without the entries of `keys`."""
    return {key: value for key, value in values.items() if key not in keys}


def is_study(entry: Mapping[str, Any]) -> bool:
    """Return whether an entry of `experiments` is a study."""
    return "sweep" in entry or "repeats" in entry


def expand(
    entries: Mapping[str, Mapping[str, Any]],
    defaults: Mapping[str, Any],
    known: Callable[[Mapping[str, Any]], list[str]],
) -> tuple[dict[str, dict[str, Any]], dict[str, Study], list[str]]:
    """Replace each study by its members.

    Args:
        entries: `experiments`, as the schema allows it.
        defaults: `defaults`.
        known: the dotted keys that an entry may sweep over.

    Returns:
        All experiments; the studies by name; the faults, each with its key. A study with a fault has no members.
    """
    experiments: dict[str, dict[str, Any]] = {}
    studies: dict[str, Study] = {}
    faults: list[str] = []
    for name, entry in entries.items():
        if not is_study(entry):
            experiments[name] = dict(entry)
            faults += explain_key.outside(name, entry)
            continue
        swept, entry_faults = _swept(name, entry, defaults, known(entry))
        explain, explain_faults = explain_key.choice(name, entry, swept)
        entry_faults += explain_faults
        members, name_faults = ({}, []) if entry_faults else _members(name, swept)
        name_faults += [
            f"experiments.{name}: found a member named {member}, as is another entry of experiments; expected names "
            "that differ."
            for member in members
            if member in entries
        ]
        if entry_faults or name_faults:
            faults += entry_faults + name_faults
            continue
        title = str(entry.get("title", ""))
        if len(experiments) + len(members) > MOST_EXPERIMENTS:
            count = f"{len(experiments) + len(members):,} experiments up to this one, members of studies included"
            faults.append(f"experiments.{name}: found {count}; expected at most {MOST_EXPERIMENTS:,}.")
            break
        studies[name] = Study(title, members, explain)
        for member, values in members.items():
            experiments[member] = _put(without(entry, _KEYS), values)
            if title:
                experiments[member]["title"] = f"{title}, {described(values)}"
    return experiments, studies, faults


def named(run: Sequence[str], studies: Mapping[str, Study]) -> list[str]:
    """Return the experiments that `run` names, each once; a study stands for all its members."""
    experiments = [member for name in run for member in (studies[name].members if name in studies else [name])]
    return list(dict.fromkeys(experiments))


def unexplained(run: Collection[str], studies: Mapping[str, Study]) -> frozenset[str]:
    """Return the members of the studies that `run` names which are neither named themselves nor explained."""
    left_out = (set(study.members).difference(study.explained()) for study in studies.values())
    return frozenset[str]().union(*left_out).difference(run)


def folded(lines: Iterable[str], studies: Mapping[str, Study]) -> list[str]:
    """Return lines about experiments; a line that is equal for all members of a study is given once, for the study."""
    kept = list(lines)
    for name, study in studies.items():
        owners = [next((word for word in _NAME.findall(line) if word in study.members), "") for line in kept]
        if not any(owners):
            continue
        renamed = [line.replace(owner, name, 1) if owner else line for line, owner in zip(kept, owners, strict=True)]
        told: dict[str, set[str]] = {}
        for line, owner in zip(renamed, owners, strict=True):
            told.setdefault(line, set()).add(owner)
        whole = {line for line, names in told.items() if names == set(study.members)}
        kept = list(dict.fromkeys(new if new in whole else old for old, new in zip(kept, renamed, strict=True)))
    return kept


def described(values: Mapping[str, Any]) -> str:
    """Return values as figures show them: "learning rate 0.001, seed 2"."""
    short = _short(list(values))
    return ", ".join(f"{short[key].replace('_', ' ')} {_as_text(value)}" for key, value in values.items())


def leaves(properties: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield the dotted keys of a schema's properties that hold values, not further keys."""
    for key, content in properties.items():
        if "properties" in content:
            yield from leaves(content["properties"], f"{path}{key}.")
        elif content.get("type") != "object":
            yield f"{path}{key}"


def _swept(
    name: str, entry: Mapping[str, Any], defaults: Mapping[str, Any], known: Collection[str]
) -> tuple[dict[str, list[Any]], list[str]]:
    """Return the values of every swept key, with `all` and `repeats` written out; and the faults."""
    swept, faults = dict(entry.get("sweep", {})), []
    split = entry.get("split", defaults.get("split", {}))
    if split == "none" and any(key.startswith("split.") for key in swept):
        return swept, [f"experiments.{name}.split: found none, and a sweep over shares; expected one of the two."]
    for key, values in swept.items():
        where = f"experiments.{name}.sweep"
        if key not in known:
            faults.append(
                f"{where}: found unknown key {abbreviate(key)}; expected the dotted name of a setting, such as "
                f"training.learning_rate or model.filters.{did_you_mean(key, known)}"
            )
        elif isinstance(values, str):
            folds = {**_shares(defaults), **_shares(entry)}.get("folds")
            if values != "all" or key != "split.fold":
                hint = " Only split.fold has all." if values == "all" else ""
                faults.append(f"{where}.{key}: found {abbreviate(values)}; expected a list of values.{hint}")
            elif folds is None or "split.folds" in swept:
                faults.append(f'{where}.{key}: found "all", and no number of folds; expected split.folds, one number.')
            else:
                swept[key] = list(range(folds))
    if "repeats" in entry:
        if TRAINING_SEED in swept:
            faults.append(
                f"experiments.{name}.repeats: found {entry['repeats']}, and the seeds of the training under sweep as "
                "well; expected one of the two."
            )
        else:
            training = {**defaults.get("training", {}), **entry.get("training", {})}
            first = training.get("seed", entry.get("seed", defaults.get("seed", 1)))
            swept[TRAINING_SEED] = list(range(first, first + entry["repeats"]))
    faults += [
        f"experiments.{name}.sweep: found {key} and {other}; expected one of the two: the first replaces the second."
        for key in swept
        for other in swept
        if other.startswith(f"{key}.")
    ]
    count = math.prod(len(values) for values in swept.values())
    if not faults and count > LIMIT:
        sizes = format_shape(len(values) for values in swept.values())
        faults.append(
            f"experiments.{name}: found {sizes} = {count:,} members; expected at most {LIMIT}. Give fewer values, or "
            "several studies."
        )
    return swept, faults


def _shares(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what settings say of the shares of a split."""
    split = settings.get("split", {})
    return split if isinstance(split, Mapping) else {}


def _members(name: str, swept: Mapping[str, list[Any]]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Return the values of each member by its name; and the faults of the names."""
    members: dict[str, dict[str, Any]] = {}
    faults = []
    short = _short(list(swept))
    for combination in itertools.product(*swept.values()):
        values = dict(zip(swept, combination, strict=True))
        member = "__".join([name, *(f"{short[key]}_{_safe(value)}" for key, value in values.items())])
        if len(member) > LONGEST:
            faults.append(
                f"experiments.{name}: found a member whose name has {len(member)} characters ({abbreviate(member)}); "
                f"expected at most {LONGEST}. Sweep over fewer keys, or give it a shorter name."
            )
            break
        if member in members:
            both = f"{described(members[member])} and {described(values)}"
            faults.append(
                f"experiments.{name}.sweep: found {both}, which would both be named {member}; expected values whose "
                "letters and digits differ."
            )
            break
        members[member] = values
    return members, faults


def _short(keys: Sequence[str]) -> dict[str, str]:
    """Return the shortest end of each dotted key that no other key has, seeds included."""
    ends = {}
    for key in keys:
        parts = key.split(".")
        for count in range(1, len(parts) + 1):
            end = ".".join(parts[-count:])
            if not any(other != key and f".{other}".endswith(f".{end}") for other in (*keys, *REPEATING)):
                break
        ends[key] = end.replace(".", "_")
    return ends


def _safe(value: Any) -> str:
    """Return a value as a part of a name: lower-case letters, digits and _."""
    if isinstance(value, Mapping):
        return "_".join(f"{key}_{_safe(content)}" for key, content in value.items())
    if isinstance(value, list):
        return "_".join(_safe(content) for content in value)
    text = str(value).lower()
    if isinstance(value, int | float) and not isinstance(value, bool):
        text = text.replace("-", "m").replace(".", "p")
    return re.sub(r"[^a-z0-9]+", "_", text)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _put(entry: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of `entry` in which each dotted key holds its value."""
    content = copy.deepcopy(dict(entry))
    for key, value in values.items():
        *parents, last = key.split(".")
        place = content
        for parent in parents:
            # `occlusion: true` takes the parameters of the defaults: the swept parameter is added to them.
            inner = place.get(parent)
            place[parent] = inner if isinstance(inner, dict) else {}
            place = place[parent]
        place[last] = copy.deepcopy(value)
        if parents and parents[0] in plugin_selection.PACKAGES:
            section, name, *parameter = key.split(".")
            if parameter and isinstance(place.get("sweep"), dict):
                place["sweep"].pop(last, None)
            # A parameter may be false; only an entry that is false leaves the method out.
            plugin_selection.put(content[section], section, name, bool(parameter) or value is not False)
    return content
