"""Open the explanations that are scored: those of the shown examples, or those of the measured ones."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, plugins, seeds
from pellucid.config.variants import TIME, domain_of, variants, variants_in_time
from pellucid.explain.base import holds, measured_for, on_measured, require_finite
from pellucid.explain.shared import domains, held_examples, number_inputs, stored_maps
from pellucid.explain.shared.measured_maps import BLOCK, MeasuredMaps, block_seed, joined_facts
from pellucid.lazy_array import LazyRows
from pellucid.network.explained_model import ExplainedModel
from pellucid.prepare.example_selection import known_of
from pellucid.score.base import Explanation, RandomLabels, ScoreContext

logger = logging.getLogger(__name__)

MEASURED = "measured examples"  # in tables and figures


@dataclass(frozen=True)
class MeasuredFiles:
    """The files of the measured examples.

    Attributes:
        maps, facts: what `measured_maps.explain_part` wrote of each method, in the order of the parts.
        measured: what `summarise.selection.select` wrote.
        scored: what `summarise.scored.select` wrote.
        x, truth, filled: `x_test.npy`, `truth.npz` and `measured.npz`.
    """

    maps: Mapping[str, Sequence[Path | str]]
    facts: Mapping[str, Sequence[Path | str]]
    measured: Path | str
    scored: Path | str
    x: Path | str
    truth: Path | str
    filled: Path | str


# The files of each method: `attributions.npz` ("attributions"), `cost.json` ("cost") and `checks.json` ("checks"); or
# those of the measured examples.
Explained = Mapping[str, Mapping[str, Path | str]] | MeasuredFiles


def files_of(methods: Sequence[str], inputs: Mapping[str, Any]) -> Explained:
    """Return the files of the explanations among the inputs of a rule.

    Args:
        methods: in the order of the files.
        inputs: by name; those of `config.scored_files.explained`.
    """
    if measured := measured_files_of(methods, inputs):
        return measured
    kinds = ("attributions", "cost", "checks")
    return {
        method: dict(zip(kinds, paths, strict=True))
        for method, *paths in zip(methods, *(inputs[kind] for kind in kinds), strict=True)
    }


def measured_files_of(methods: Sequence[str], inputs: Mapping[str, Any]) -> MeasuredFiles | None:
    """Return the files of the measured examples among the inputs of a rule; None where these are not scored.

    Args:
        methods, inputs: as of `files_of`; a file that a rule does not read is "".
    """
    if not inputs.get("scored"):
        return None
    parts = len(inputs["maps"]) // len(methods)
    maps, facts = (
        {method: list(inputs.get(kind, ())[at * parts : (at + 1) * parts]) for at, method in enumerate(methods)}
        for kind in ("maps", "facts")
    )
    named = (inputs.get(name, "") for name in ("measured", "scored", "x", "truth", "filled"))
    return MeasuredFiles(maps, facts, *named)


def loaded(
    methods: Mapping[str, Mapping[str, Any]],
    explained: Explained,
    data_info: Path | str,
    *,
    model: ExplainedModel | None,
    training: Path | str | None,
    labels: Path | str | None,
    seed: int,
    other: RandomLabels | None = None,
) -> Iterator[tuple[Explanation, ScoreContext]]:
    """Yield every variant of every method with its context; see `score.run.run` for the arguments."""
    common: dict[str, Any] = {
        "data_info": files.read_json(data_info),
        "model": model,
        "training": held_examples.with_axis(files.map_array(training)) if training else None,
        "training_labels": files.read_arrays(labels)["train"] if labels else None,
        "random_labels": other,
        "seed": seed,
        "cache": {},
    }
    if isinstance(explained, MeasuredFiles):
        yield from _measured(methods, explained, common)
        return
    for method, parameters in methods.items():
        arrays = files.read_arrays(explained[method]["attributions"])
        case = _context(arrays, common)
        costs, checks = files.read_json(explained[method]["cost"]), files.read_json(explained[method]["checks"])
        for label, values in variants(method, parameters).items():
            maps = stored_maps.maps_of(arrays, label)[0]
            yield _explanation(method, label, values, maps, costs[label], checks[label], case), case


def _context(arrays: Mapping[str, NDArray[Any]], common: Mapping[str, Any]) -> ScoreContext:
    """Return the context of examples; `arrays` are named as in `examples.npz`, with `seeds` of the measured ones."""
    names = ("truth", "truth_frequency", "measured", "seeds", "indices")
    known: dict[str, Any] = {name: arrays.get(name) for name in names}
    return ScoreContext(
        inputs=arrays["inputs"],
        targets=arrays["targets"],
        labels=arrays["labels"],
        others=held_examples.others(arrays),
        **known,
        **common,
    )


def _explanation(
    method: str,
    label: str,
    values: Mapping[str, Any],
    maps: NDArray[np.float32],
    cost: Mapping[str, Any],
    checks: Mapping[str, float],
    case: ScoreContext,
) -> Explanation:
    """Return one variant of a method; `values` are its parameters."""
    spec = plugins.spec("explain", method)
    return Explanation(
        label=label,
        method=method,
        attributions=maps,
        per_channel=holds(spec.per_channel, values),
        signed=holds(spec.signed, values),
        is_gradient=holds(spec.is_gradient, values),
        cost=cost,
        checks=checks,
        re_explain=partial(re_explain, method, label, values, case),
        domain=domain_of(values),
    )


def _measured(
    methods: Mapping[str, Mapping[str, Any]], explained: MeasuredFiles, common: dict[str, Any]
) -> Iterator[tuple[Explanation, ScoreContext]]:
    """Yield every variant of the measured examples that are scored; the maps of one variant at a time are in memory.

    Where nothing was measured an attribution is 0, as in `attributions.npz`.
    """
    chosen, rows = files.read_arrays(explained.measured), files.read_arrays(explained.scored)["rows"]
    case = _context(_arrays(chosen, rows, explained, common["seed"]), common)
    every = {method: variants_in_time(method, parameters) for method, parameters in methods.items()}
    number, of = 0, sum(map(len, every.values()))
    for method, runs in every.items():
        costs, checks = joined_facts(explained.facts[method])
        for label, values in runs.items():
            number += 1
            logger.info("explanation %d of %d: %s, %d measured examples", number, of, label, len(rows))
            opened = MeasuredMaps.open(explained.maps[method], label, list(runs), None, chosen["indices"])
            maps = on_measured(opened.stored(rows), case.measured)
            cost = {**costs[label], "parameters": values}
            yield _explanation(method, label, values, maps, cost, checks[label], case), case


def _arrays(
    chosen: Mapping[str, NDArray[Any]], rows: NDArray[np.int64], explained: MeasuredFiles, seed: int
) -> dict[str, NDArray[Any]]:
    """Return what `examples.npz` would hold of some measured examples, in the order of `rows`, and their `seeds`."""
    arrays = {name: chosen[name][rows] for name in ("indices", "labels", "targets")}
    arrays |= {name: values[rows] for name, values in chosen.items() if name.startswith(held_examples.PREFIX)}
    arrays["inputs"] = np.asarray(files.map_array(explained.x)[arrays["indices"]])
    arrays |= known_of(explained.truth, explained.filled, arrays["indices"], arrays["targets"], arrays["inputs"].ndim)
    of_blocks = {int(block): block_seed(seed, int(block)) for block in np.unique(rows // BLOCK)}
    arrays["seeds"] = np.array([of_blocks[int(block)] for block in rows // BLOCK], np.int64)
    return arrays


def re_explain(
    method: str,
    label: str,
    parameters: Mapping[str, Any],
    case: ScoreContext,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    seed: int | None = None,
    model: ExplainedModel | None = None,
    measured: NDArray[np.bool_] | None = None,
    training: NDArray[np.float32] | LazyRows | None = None,
    seeds: NDArray[np.int64] | None = None,
) -> NDArray[np.float32]:
    """Run the method on new inputs, optionally with another seed or model, or other training examples.

    Args:
        method, label, parameters: of the variant.
        case: of the experiment.
        inputs, targets: what is explained.
        seed: of the random numbers; None for that of the experiment.
        model: None for that of `case`.
        measured: where the inputs were measured.
        training: None for those of `case`.
        seeds: (N,), a seed for each input; counts where `seed` is None.
    """
    plugin = plugins.load("explain")[method]
    if number_inputs.is_numbers(case.data_info.get("shape", ())):
        parameters = number_inputs.of_method(method, parameters, case.data_info["shape"][0])
    provided: dict[str, Any] = {"training": case.training if training is None else training}
    provided = provided if plugin.SPEC.needs_training else {}

    def explain(rows: Any, of_rows: int) -> tuple[NDArray[np.float32], bool]:
        """Return the attributions of some inputs, and whether they needed random numbers."""
        rng, before = (_generator(of_rows, label) for _ in range(2))
        known = measured_for(plugin, None if measured is None else measured[rows])
        maps = plugin.explain(model or case.model, inputs[rows], targets[rows], rng, **provided, **known, **parameters)
        return maps, _state(rng) != _state(before)

    if seed is not None or seeds is None:
        attributions, _ = explain(slice(None), case.seed if seed is None else seed)
    else:
        attributions = _by_seed(explain, seeds, case.cache.setdefault("random methods", set()), label)
    of_example = domains.map_shape(parameters, inputs.shape[1:])
    require_finite(attributions, inputs, f"{label} on other inputs, or of another model", of_example)
    return on_measured(attributions, measured if domain_of(parameters) == TIME else None)


def _by_seed(explain: Any, of_inputs: NDArray[np.int64], random: set[str], label: str) -> NDArray[np.float32]:
    """Explain inputs that have a seed each: those of one seed together; all together if the method draws nothing.

    Args:
        explain: as in `re_explain`.
        of_inputs: (N,), the seeds.
        random: the labels that are known to draw random numbers; gets this one, if it does.
        label: of the variant.
    """
    several = np.unique(of_inputs)
    if label not in random or len(several) == 1:
        attributions, is_random = explain(slice(None), int(of_inputs[0]))
        if not is_random or len(several) == 1:
            return np.asarray(attributions)
        random.add(label)
    groups = [np.flatnonzero(of_inputs == value) for value in several]
    maps = [explain(rows, int(value))[0] for rows, value in zip(groups, several, strict=True)]
    return np.asarray(np.concatenate(maps)[np.argsort(np.concatenate(groups))])


def _generator(seed: int, label: str) -> np.random.Generator:
    return seeds.generator(seed, "explain", label)


def _state(rng: np.random.Generator) -> tuple[Any, int]:
    """Return what draws and spawned generators change."""
    sequence = rng.bit_generator.seed_seq
    return rng.bit_generator.state, getattr(sequence, "n_children_spawned", 0)
