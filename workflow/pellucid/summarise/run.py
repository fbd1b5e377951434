"""Summarise the explanations of the measured examples by one variant of a method."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, plugins, seeds, tables
from pellucid.config.variants import method_of, variants_in_time
from pellucid.explain.base import holds
from pellucid.explain.shared.measured_maps import MeasuredMaps
from pellucid.summarise import importance, map_groups, shared_places, shortcut_flags
from pellucid.summarise.class_maps import class_maps
from pellucid.summarise.permutation import CHANNEL, PLACE
from pellucid.summarise.places import Places, default_parts

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

# Kinds of origin by the name of their array in the measured examples.
ORIGINS = {"recording or patient": "group", "site": "site"}


def summarise(
    *,
    variant: str,
    parameters: Mapping[str, Any],
    maps: Sequence[Path | str],
    examples: Path | str,
    x: Path | str,
    filled: Path | str,
    data_info: Path | str,
    permutation: Path | str,
    seed: int,
    outputs: Mapping[str, Path | str],
) -> None:
    """Write class maps, importances and groups of maps of one variant.

    The maps are mapped and read in blocks, wherever one part ends and the next begins: the results do not depend on the
    number of parts.

    Args:
        variant: name of the variant.
        parameters: of its method, and `sweep`.
        maps: what `measured_maps.explain_part` wrote, in the order of the parts.
        examples: what `selection.select` wrote.
        x, filled, data_info: `x_test.npy`, `measured.npz` and `data.json`.
        permutation: what `permutation.run` wrote.
        seed: of the experiment.
        outputs: the files to write: `class_maps` (`class_maps.class_maps`); `shares` (NPZ, `importance`),
            `importance` (CSV) and `agreement` (JSON); `groups` (CSV, a row for each clustered example) and `flags`
            (JSON, a group of maps each, with its tests).
    """
    chosen, info = files.read_arrays(examples), files.read_json(data_info)
    method = method_of(variant)
    runs = variants_in_time(method, parameters)
    opened = MeasuredMaps.open(maps, variant, list(runs), filled, chosen["indices"])
    labels, classes = chosen["labels"], info["classes"]
    event = chosen.get("event")
    arrays = class_maps(opened, files.map_array(x), labels, classes, chosen.get("group"), event)
    files.write_arrays(outputs["class_maps"], arrays)

    places = Places.of(opened.shape[:-1], default_parts(opened.shape[:-1]), info)
    shares = importance.by_channel_and_place(opened, places)
    per_channel = holds(plugins.spec("explain", method).per_channel, runs[variant])
    rows = importance.table(
        shares,
        tables.read(permutation, words=(*tables.WORDS, "name")),
        labels,
        classes,
        info["channels"],
        places.names,
        per_channel=per_channel,
    )
    files.write_arrays(outputs["shares"], {"channels": shares[CHANNEL], "places": shares[PLACE]})
    tables.write(outputs["importance"], rows)
    files.write_json(
        outputs["agreement"], {"per_channel": per_channel, "examples": len(labels), "tau": importance.agreement(rows)}
    )
    origins = {name: chosen[array] for name, array in ORIGINS.items() if array in chosen}
    rng = seeds.generator(seed, "groups of maps", variant)
    found, tests, count = find_groups(opened, labels, classes, origins, event, rng)
    tables.write(outputs["groups"], _members(found.groups, chosen))
    content = group_facts(found, tests, count, chosen["indices"])
    files.write_json(outputs["flags"], content)
    flagged = [entry for entry in content["groups"] if entry["flags"]]
    logger.info("%s: %d groups of maps, %d flagged", variant, len(found.groups), len(flagged))
    for entry in flagged:
        logger.warning("%s: group %d of class %s %s", variant, entry["number"], entry["class"], entry["flags"][0])


def find_groups(
    maps: MeasuredMaps,
    labels: NDArray[np.int64],
    classes: Sequence[str],
    origins: Mapping[str, NDArray[np.str_]],
    event: NDArray[np.float32] | None,
    rng: np.random.Generator,
) -> tuple[map_groups.Grouping, list[list[shortcut_flags.Test]], int]:
    """Return the groups of maps, the tests of each, and the number of all tests.

    Groups by whole maps come first, class by class; behind them come groups that share one place, where they are
    flagged.

    Args:
        maps: of all measured examples.
        labels, classes: the output that each example stands for, and the names of the outputs.
        origins: (N,) each: recording, site, … of the examples, by its name.
        event: (N,) the sample of the event of each example; None if it is not known.
        rng: for the permutations.
    """
    features = map_groups.coarse_maps(maps)
    found = map_groups.group(features, labels, classes)
    peaks = shortcut_flags.places_of_most(maps)
    tests, count = shortcut_flags.flags(found.groups, origins, peaks, maps.shape[:-1], event, rng)
    sharing = []
    for output, name in dict.fromkeys((members.output, members.name) for members in found.groups):
        of_class = [members for members in found.groups if members.output == output]
        mates = np.concatenate([members.rows for members in of_class])
        for kind, origin in origins.items():
            pair = shared_places.shared_place(
                kind, (output, name), len(of_class) + 1, features, np.sort(mates), origin, rng
            )
            if pair is not None:
                sharing.append(pair)
    count += len(sharing)
    flagged = [(members, test) for members, test in sharing if test.is_flag(count)]
    groups = [*found.groups, *(members for members, _ in flagged)]
    return replace(found, groups=groups), [*tests, *([test] for _, test in flagged)], count


def _members(groups: Sequence[map_groups.MapGroup], chosen: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    """Return a row for each clustered example: class, group of maps, how typical it is, and its origin."""
    import pandas as pd

    frames = []
    for members in groups:
        frame = pd.DataFrame({"class": members.name, "group of maps": members.number, "example": members.rows})
        frame["from the most typical"] = np.arange(1, len(members.rows) + 1)
        for name, array in ORIGINS.items():
            if array in chosen:
                frame[name] = chosen[array][members.rows].astype(str)
        frame["example"] = chosen["indices"][members.rows]
        frames.append(frame)
    return (
        pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["class", "group of maps", "example"])
    )


def group_facts(
    found: map_groups.Grouping,
    tests: Sequence[Sequence[shortcut_flags.Test]],
    count: int,
    indices: NDArray[np.int64],
) -> dict[str, Any]:
    """Return the content of `flags.json`: the groups with their tests and flags, and what was tested how.

    Args:
        found: the groups.
        tests: of each group.
        count: of all tests with a p-value.
        indices: (N,) the test example behind each measured one.
    """
    entries = []
    for members, of_group in zip(found.groups, tests, strict=True):
        entries.append(
            {
                "class": members.name,
                "output": members.output,
                "number": members.number,
                "examples": len(members.rows),
                "typical": indices[members.rows[:5]].tolist(),
                "tests": [
                    {
                        "of": test.of,
                        "strength": test.strength,
                        "p": test.p,
                        "p corrected": None if test.p is None else min(1.0, test.p * count),
                        "reason": test.reason,
                        "detail": test.detail,
                        "flag": test.is_flag(count),
                    }
                    for test in of_group
                ],
                "flags": [sentence(test) for test in of_group if test.is_flag(count)],
            }
        )
    return {
        "groups": entries,
        "tests": count,
        "significance": shortcut_flags.SIGNIFICANCE,
        "follows": shortcut_flags.FOLLOWS,
        "at one place": shortcut_flags.AT_ONE_PLACE,
        "eigenvalues": found.eigenvalues,
        "not clustered": found.unused,
    }


def sentence(test: shortcut_flags.Test) -> str:
    """Return what a flag says: "follows group: r1 (20 of 20)" or "keeps to one place: 10–20"."""
    if test.of == shortcut_flags.PLACE:
        return f"keeps to one place, as no other class does: {test.detail}"
    return f"follows the {test.of}: {test.detail}"
