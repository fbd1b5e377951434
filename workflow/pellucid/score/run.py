"""Compute one score of every explanation of an experiment: from `attributions.npz` to a table with intervals."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, plugins, seeds, tables
from pellucid.config.variants import TIME, domain_of, method_of, variants
from pellucid.datasets.base import UNLABELLED
from pellucid.errors import InputError
from pellucid.explain.base import holds, measured_for, on_measured, require_finite
from pellucid.explain.shared import domains, held_examples, number_inputs, stored_maps
from pellucid.lazy_array import LazyRows
from pellucid.messages import comma_list
from pellucid.network.explained_model import ExplainedModel
from pellucid.score.base import Explanation, RandomLabels, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared import held_scores
from pellucid.score.shared.bootstrap import NONE, interval
from pellucid.score.shared.comparable_means import comparable

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

# The files of each method: `attributions.npz` ("attributions"), `cost.json` ("cost") and `checks.json` ("checks").
Explained = Mapping[str, Mapping[str, Path | str]]

COLUMNS = ["explanation", "method", "metric", "over", "class", "mean", "low", "high", "examples", "interval"]


def run(
    *,
    score: str,
    parameters: Mapping[str, Any],
    methods: Mapping[str, Mapping[str, Any]],
    explained: Explained,
    data_info: Path | str,
    seed: int,
    threads: int,
    memory_mb: int,
    table: Path | str,
    arrays: Path | str,
    model: Path | str | None = None,
    training: Path | str | None = None,
    labels: Path | str | None = None,
    random_labels: Path | str | None = None,
    random_training: Path | str | None = None,
) -> None:
    """Score every variant of every method.

    Args:
        score: name of the score.
        parameters: its parameters.
        methods: parameters of the methods, by name.
        explained: the files of each method, see `Explained`.
        data_info: `data.json`.
        seed: of the experiment.
        threads, memory_mb: for the model.
        table: CSV; gets a row for each explanation and metric over all examples, and one for each class (see the column
            `over`): mean over examples, its 95% interval, number of examples, method of the interval
            (`bootstrap.interval`); over all examples also what `comparable_means.comparable` returns.
        arrays: `.npz`; gets `<explanation>/<metric>`, the value of each example, and for each curve
            `<explanation>/<curve>/x` and `/y`; `note`, where the score has one.
        model, training, labels: for scores that need them.
        random_labels, random_training: `model.keras` and `training.json` of the training on random labels, likewise.
    """
    load_model = partial(ExplainedModel.load, threads=threads, memory_mb=memory_mb)
    explained_model = load_model(model) if model else None
    other = None
    if random_labels and random_training:
        reached = files.read_json(random_training)
        other = RandomLabels(load_model(random_labels), reached["memorised"], reached["chance"])
    load = partial(loaded, model=explained_model, training=training, labels=labels, seed=seed, other=other)
    content, values = scored(score, parameters, load(methods, explained, data_info), seed)
    tables.write(table, content)
    files.write_arrays(arrays, values)


def scored(
    score: str,
    parameters: Mapping[str, Any],
    explanations: Iterable[tuple[Explanation, ScoreContext]],
    seed: int,
) -> tuple[pd.DataFrame, dict[str, NDArray[Any]]]:
    """Score explanations; return the content of the table and of the arrays that `run` writes.

    Args:
        score, parameters, seed: as for `run`.
        explanations: each with its context.
    """
    import pandas as pd

    plugin = plugins.load("score")[score]
    spec = plugin.SPEC
    rows, values, start = [], dict[str, NDArray[Any]](), perf_counter()
    left_out: list[tuple[str, ScoreContext]] = []
    for explanation, case in explanations:
        rng = partial(seeds.generator, seed, "score", score)
        if misfit := _misfit(spec, explanation, case):
            logger.warning("%s: %s is left out, since %s", spec.title, explanation.label, misfit)
            left_out.append((explanation.label, case))
            continue
        if explanation.domain != TIME:
            # Neither padding nor planted evidence has a place on the map.
            case = replace(case, measured=None, truth=None)
        result = held_scores.score(plugin, explanation, case, rng, parameters)
        _require_no_infinity(result, f"{spec.title} of {explanation.label}")
        rows += _rows(spec, result, explanation.label, case, seed)
        values |= _arrays(result, explanation.label)
        logger.info("%s: %s", explanation.label, _means_line(result))
    # A table without a row could not be joined with those of other scores.
    for label, case in left_out if not rows else ():
        result = held_scores.undefined(
            spec, len(case.inputs), f"defined for maps over {comma_list(spec.domains)} alone"
        )
        rows += _rows(spec, result, label, case, seed)
        values |= _arrays(result, label)
    content = _with_comparable(pd.DataFrame(rows, columns=COLUMNS), values)
    number, seconds = content["explanation"].nunique(), perf_counter() - start
    logger.info("%s of %d explanations in %.1f s", spec.title, number, seconds)
    if "note" in values:
        logger.info("%s", values["note"])
    return content, values


def _arrays(result: ScoreResult, label: str) -> dict[str, NDArray[Any]]:
    """Return the values, the curves and the note of one explanation's score under their names in `scores.npz`."""
    arrays: dict[str, NDArray[Any]] = {f"{label}/{name}": values for name, values in result.values.items()}
    for name, curve in result.curves.items():
        arrays |= {f"{label}/{name}/x": curve.x, f"{label}/{name}/y": curve.y}
        arrays[f"{label}/{name}/labels"] = np.array([curve.x_label, curve.y_label])
    return arrays | ({"note": np.array(result.note)} if result.note else {})


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
    """Yield every variant of every method with its context; see `run` for the arguments."""
    cache: dict[Any, Any] = {}
    data = files.read_json(data_info)
    examples = held_examples.with_axis(files.map_array(training)) if training else None
    classes = files.read_arrays(labels)["train"] if labels else None
    for method, parameters in methods.items():
        arrays = files.read_arrays(explained[method]["attributions"])
        case = ScoreContext(
            data_info=data,
            inputs=arrays["inputs"],
            targets=arrays["targets"],
            labels=arrays["labels"],
            truth=arrays.get("truth"),
            model=model,
            training=examples,
            training_labels=classes,
            random_labels=other,
            seed=seed,
            cache=cache,
            measured=arrays.get("measured"),
            others=held_examples.others(arrays),
            truth_frequency=arrays.get("truth_frequency"),
            indices=arrays.get("indices"),
        )
        for explanation in _explanations(method, parameters, explained[method], arrays, case):
            yield explanation, case


def _explanations(
    method: str,
    parameters: Mapping[str, Any],
    paths: Mapping[str, Path | str],
    arrays: Mapping[str, NDArray[Any]],
    case: ScoreContext,
) -> list[Explanation]:
    """Return the variants of one method."""
    spec = plugins.spec("explain", method)
    costs, checks = files.read_json(paths["cost"]), files.read_json(paths["checks"])
    return [
        Explanation(
            label=label,
            method=method,
            attributions=stored_maps.maps_of(arrays, label)[0],
            per_channel=holds(spec.per_channel, values),
            signed=holds(spec.signed, values),
            is_gradient=holds(spec.is_gradient, values),
            cost=costs[label],
            checks=checks[label],
            re_explain=partial(re_explain, method, label, values, case),
            domain=domain_of(values),
        )
        for label, values in variants(method, parameters).items()
    ]


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
) -> NDArray[np.float32]:
    """Run the method on new inputs, optionally with another seed or model, or other training examples."""
    plugin = plugins.load("explain")[method]
    if number_inputs.is_numbers(case.data_info.get("shape", ())):
        parameters = number_inputs.of_method(method, parameters, case.data_info["shape"][0])
    rng = seeds.generator(case.seed if seed is None else seed, "explain", label)
    provided: dict[str, Any] = {"training": case.training if training is None else training}
    provided = provided if plugin.SPEC.needs_training else {}
    provided |= measured_for(plugin, measured)
    attributions: NDArray[np.float32] = plugin.explain(
        model or case.model, inputs, targets, rng, **provided, **parameters
    )
    of_example = domains.map_shape(parameters, inputs.shape[1:])
    require_finite(attributions, inputs, f"{label} on other inputs, or of another model", of_example)
    return on_measured(attributions, measured if domain_of(parameters) == TIME else None)


def _rows(spec: ScoreSpec, result: ScoreResult, label: str, case: ScoreContext, seed: int) -> list[tuple[Any, ...]]:
    """Return the mean and interval of each metric, over all examples and over those of each class."""
    rows = []
    for name, values in result.values.items():
        metric = spec.metric(name)
        low, high = result.ends.get(name.split(".")[0], (metric.low, metric.high))
        for which in [None, *(label for label in np.unique(case.labels) if label != UNLABELLED)]:
            members = values if which is None else values[case.labels == which]
            rng = seeds.generator(seed, "bootstrap", name, tables.ALL if which is None else str(which))
            mean = interval(members, rng, proportion=metric.proportion, low=low, high=high)
            if metric.once or metric.of_model:
                mean = mean._replace(low=np.nan, high=np.nan, method=NONE)
            # The column `over` is needed, since a class may be called "all".
            group = (tables.ALL, tables.ALL) if which is None else (tables.CLASS, case.data_info["classes"][which])
            ends = (mean.mean, mean.low, mean.high, mean.examples, mean.method)
            rows.append((label, method_of(label), name, *group, *ends))
    return rows


def _with_comparable(content: pd.DataFrame, arrays: Mapping[str, NDArray[Any]]) -> pd.DataFrame:
    """Add the means by which explanations are ranked to the rows over all examples."""
    content["comparable mean"], content["comparable examples"] = np.nan, 0
    overall = tables.over(content) == tables.ALL
    for metric, rows in content[overall].groupby("metric", sort=False):
        means, count = comparable({label: arrays[f"{label}/{metric}"] for label in rows["explanation"]})
        content.loc[rows.index, "comparable mean"] = rows["explanation"].map(means)
        content.loc[rows.index, "comparable examples"] = count
        left_out = [label for label, mean in means.items() if np.isnan(mean)]
        if left_out and count:
            logger.warning("%s: not ranked, since they have too few examples: %s", metric, ", ".join(left_out))
    return content


def _misfit(spec: ScoreSpec, explanation: Explanation, case: ScoreContext) -> str:
    """Return why a score leaves out an explanation for its domain; empty if it does not."""
    if explanation.domain not in spec.domains:
        return f"its map is over {explanation.domain}, and the score is defined for {comma_list(spec.domains)}"
    if explanation.domain != TIME and spec.needs_method and case.measured is not None:
        return f"its map is over {explanation.domain}, and padded examples are explained again for maps over time alone"
    return ""


def _require_no_infinity(result: ScoreResult, where: str) -> None:
    """Refuse a score with an infinite value, and warn of a metric that is defined for no example.

    Raises:
        InputError: a value is infinite: leaving it out of the mean would favour its explanation.
    """
    for name, values in result.values.items():
        if np.isinf(values).any():
            example = int(np.isinf(values).argmax())
            raise InputError.unexpected(
                where, f"{name} {values[example]} of explained example {example}", "a finite number or NaN"
            )
        if not np.isfinite(values).any():
            logger.warning("%s: %s is not defined for any of the %d examples", where, name, len(values))


def _means_line(result: ScoreResult) -> str:
    defined = {name: values[np.isfinite(values)] for name, values in result.values.items()}
    return ", ".join(f"{name} {values.mean():.3g}" if len(values) else f"{name} –" for name, values in defined.items())
