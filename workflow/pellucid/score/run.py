"""Computing one score of every explanation of an experiment: from `attributions.npz` to a table with intervals."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, plugins, seeds
from pellucid.explain.base import holds, measured_for, on_measured
from pellucid.explain.variants import method_of, variants
from pellucid.probe import Probe
from pellucid.score.base import Case, Explanation, RandomLabels, Scored
from pellucid.score.bootstrap import interval

logger = logging.getLogger(__name__)

ALL = "all"  # in the place of a class: over all examples


def run(
    *,
    score: str,
    parameters: Mapping[str, Any],
    methods: Mapping[str, Mapping[str, Any]],
    explain: Path | str,
    facts: Path | str,
    seed: int,
    threads: int,
    memory_mb: int,
    table: Path | str,
    arrays: Path | str,
    model: Path | str | None = None,
    training: Path | str | None = None,
    labels: Path | str | None = None,
    random_labels: Path | str | None = None,
    random_facts: Path | str | None = None,
) -> None:
    """Score every variant of every method.

    Args:
        score: name of the score.
        parameters: its parameters.
        methods: parameters of the methods, by name.
        explain: the folder that holds a folder for each of them.
        facts: `data.json`.
        seed: of the experiment.
        threads, memory_mb: for the model.
        table: CSV; gets a row for each explanation, metric and class ("all" for all examples): mean over examples, low
            and high end of its 95% interval, number of examples.
        arrays: `.npz`; gets `<explanation>/<metric>`, the value of each example, and of each curve
            `<explanation>/<curve>/x` and `/y`; `note`, where the score has one.
        model, training, labels: for scores that need them.
        random_labels, random_facts: `model.keras` and `training.json` of the training on random labels; likewise.
    """
    import pandas as pd

    plugin = plugins.load("score")[score]
    spec = plugin.SPEC
    probe = Probe.load(model, threads=threads, memory_mb=memory_mb) if model else None
    other = None
    if random_labels and random_facts:
        reached = files.read_json(random_facts)
        second = Probe.load(random_labels, threads=threads, memory_mb=memory_mb)
        other = RandomLabels(second, reached["memorised"], reached["chance"])
    rows, found = [], dict[str, NDArray[Any]]()
    cases = loaded(methods, explain, facts, probe=probe, training=training, labels=labels, seed=seed, other=other)
    for explanation, case in cases:
        scored = plugin.score(explanation, case, seeds.generator(seed, "score", score), **parameters)
        rows += _rows(scored, explanation.label, case, seed)
        for name, values in scored.values.items():
            found[f"{explanation.label}/{name}"] = values
        for name, curve in scored.curves.items():
            found |= {f"{explanation.label}/{name}/x": curve.x, f"{explanation.label}/{name}/y": curve.y}
            found[f"{explanation.label}/{name}/labels"] = np.array([curve.x_label, curve.y_label])
        logger.info("%s: %s", explanation.label, _line(scored))
        if scored.note:
            found["note"] = np.array(scored.note)
    content = pd.DataFrame(
        rows, columns=["explanation", "method", "metric", "class", "mean", "low", "high", "examples"]
    )
    files.write(table, lambda temporary: content.to_csv(temporary, index=False))
    files.write_arrays(arrays, found)
    logger.info("%s of %d explanations", spec.title, content["explanation"].nunique())
    if "note" in found:
        logger.info("%s", found["note"])


def loaded(
    methods: Mapping[str, Mapping[str, Any]],
    explain: Path | str,
    facts: Path | str,
    *,
    probe: Probe | None,
    training: Path | str | None,
    labels: Path | str | None,
    seed: int,
    other: RandomLabels | None = None,
) -> Iterator[tuple[Explanation, Case]]:
    """Every variant of every method, with what it has in common with the others; see `run` for the arguments."""
    kept: dict[Any, Any] = {}
    data = files.read_json(facts)
    examples = files.map_array(training) if training else None
    classes = files.read_arrays(labels)["train"] if labels else None
    for method, asked in methods.items():
        folder = Path(explain) / method
        given = files.read_arrays(folder / "attributions.npz")
        case = Case(
            facts=data,
            inputs=given["inputs"],
            targets=given["targets"],
            labels=given["labels"],
            truth=given.get("truth"),
            probe=probe,
            training=examples,
            training_labels=classes,
            random_labels=other,
            seed=seed,
            kept=kept,
            measured=given.get("measured"),
        )
        for explanation in _explanations(method, asked, folder, given, case):
            yield explanation, case


def _explanations(
    method: str, asked: Mapping[str, Any], folder: Path, given: Mapping[str, NDArray[Any]], case: Case
) -> list[Explanation]:
    """The variants of one method."""
    spec = plugins.spec("explain", method)
    costs, checks = files.read_json(folder / "cost.json"), files.read_json(folder / "checks.json")
    return [
        Explanation(
            label=label,
            method=method,
            attributions=given["attributions"][list(given["variants"]).index(label)],
            per_channel=holds(spec.per_channel, chosen),
            signed=holds(spec.signed, chosen),
            per_unit="∂ logit / ∂ input" in spec.unit,
            cost=costs[label],
            checks=checks[label],
            again=partial(_again, method, label, chosen, case),
        )
        for label, chosen in variants(method, asked).items()
    ]


def _again(
    method: str,
    label: str,
    parameters: Mapping[str, Any],
    case: Case,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    seed: int | None = None,
    probe: Probe | None = None,
    measured: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Explain inputs as the method explained the examples, unless with another seed's random numbers or a model."""
    plugin = plugins.load("explain")[method]
    rng = seeds.generator(case.seed if seed is None else seed, "explain", label)
    given: dict[str, Any] = {"training": case.training} if plugin.SPEC.needs_training else {}
    given |= measured_for(plugin, measured)
    attributions: NDArray[np.float32] = plugin.explain(probe or case.probe, inputs, targets, rng, **given, **parameters)
    return on_measured(attributions, measured)


def _rows(scored: Scored, label: str, case: Case, seed: int) -> list[tuple[Any, ...]]:
    """Mean and interval of each metric, over all examples and over those of each class."""
    rows = []
    for name, values in scored.values.items():
        for which in [ALL, *np.unique(case.labels)]:
            chosen = values if which == ALL else values[case.labels == which]
            mean, low, high = interval(chosen, seeds.generator(seed, "bootstrap", name, str(which)))
            group = ALL if which == ALL else case.facts["classes"][which]
            rows.append((label, method_of(label), name, group, mean, low, high, int(np.isfinite(chosen).sum())))
    return rows


def _line(scored: Scored) -> str:
    return ", ".join(f"{name} {np.nanmean(values):.3g}" for name, values in scored.values.items())
