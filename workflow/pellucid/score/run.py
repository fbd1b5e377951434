"""Compute one score of every explanation of an experiment: from the stored maps to a table with intervals."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, plugins, seeds, tables
from pellucid.config.variants import TIME, method_of
from pellucid.datasets.base import UNLABELLED
from pellucid.errors import InputError
from pellucid.messages import comma_list
from pellucid.network.explained_model import ExplainedModel
from pellucid.score.base import Explanation, RandomLabels, ScoreContext, ScoreResult, ScoreSpec
from pellucid.score.shared import example_groups, held_scores
from pellucid.score.shared.bootstrap import FEW_GROUPS, NONE, interval
from pellucid.score.shared.comparable_means import comparable
from pellucid.score.shared.explanations import MEASURED, Explained, MeasuredFiles, loaded

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

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
    groups: Path | str | None = None,
) -> None:
    """Score every variant of every method.

    Args:
        score: name of the score.
        parameters: its parameters.
        methods: parameters of the methods, by name.
        explained: the files of each method, or of the measured examples: see `Explained`.
        data_info: `data.json`.
        seed: of the experiment.
        threads, memory_mb: for the model.
        table: CSV; gets a row for each explanation and metric over all examples, and one for each class (see the column
            `over`): mean over examples, its 95% interval, number of examples, method of the interval
            (`bootstrap.interval`); over all examples also what `comparable_means.comparable` returns. Where examples
            of one group are among them it has a column `groups`, the number of groups; otherwise it has none.
        arrays: `.npz`; gets `<explanation>/<metric>`, the value of each example, and for each curve
            `<explanation>/<curve>/x` and `/y`; `note`, where the score has one; `over`, in words, if the examples are
            the measured ones.
        model, training, labels: for scores that need them.
        random_labels, random_training: `model.keras` and `training.json` of the training on random labels, likewise.
        groups: `groups.npz`; intervals are over the groups of the test examples, where the data source names them.
    """
    load_model = partial(ExplainedModel.load, threads=threads, memory_mb=memory_mb)
    explained_model = load_model(model) if model else None
    other = None
    if random_labels and random_training:
        reached = files.read_json(random_training)
        other = RandomLabels(load_model(random_labels), reached["memorised"], reached["chance"])
    load = partial(loaded, model=explained_model, training=training, labels=labels, seed=seed, other=other)
    of_test = example_groups.of_test(groups)
    content, values = scored(score, parameters, load(methods, explained, data_info), seed, of_test)
    if isinstance(explained, MeasuredFiles):
        values["over"] = np.array(MEASURED)
    tables.write(table, content)
    files.write_arrays(arrays, values)


def scored(
    score: str,
    parameters: Mapping[str, Any],
    explanations: Iterable[tuple[Explanation, ScoreContext]],
    seed: int,
    groups: NDArray[np.str_] | None = None,
) -> tuple[pd.DataFrame, dict[str, NDArray[Any]]]:
    """Score explanations; return the content of the table and of the arrays that `run` writes.

    Args:
        score, parameters, seed: as for `run`.
        explanations: each with its context.
        groups: (test examples,), the group of each; None without groups.
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
        rows += _rows(spec, result, explanation.label, case, seed, groups)
        values |= _arrays(result, explanation.label)
        logger.info("%s: %s", explanation.label, _means_line(result))
    # A table without a row could not be joined with those of other scores.
    for label, case in left_out if not rows else ():
        result = held_scores.undefined(
            spec, len(case.inputs), f"defined for maps over {comma_list(spec.domains)} alone"
        )
        rows += _rows(spec, result, label, case, seed, groups)
        values |= _arrays(result, label)
    content = example_groups.counted_in(pd.DataFrame(rows, columns=[*COLUMNS, example_groups.COLUMN]))
    _say_few_groups(content)
    content = _with_comparable(content, values)
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


def _rows(
    spec: ScoreSpec, result: ScoreResult, label: str, case: ScoreContext, seed: int, groups: NDArray[np.str_] | None
) -> list[tuple[Any, ...]]:
    """Return the mean and interval of each metric, over all examples and over those of each class."""
    rows = []
    of_examples = None if case.indices is None else example_groups.members_of(case.indices, groups)
    for name, values in result.values.items():
        metric = spec.metric(name)
        low, high = result.ends.get(name.split(".")[0], (metric.low, metric.high))
        for which in [None, *(label for label in np.unique(case.labels) if label != UNLABELLED)]:
            chosen = np.ones(len(values), np.bool_) if which is None else case.labels == which
            of_chosen = None if of_examples is None else of_examples[chosen]
            rng = seeds.generator(seed, "bootstrap", name, tables.ALL if which is None else str(which))
            mean = interval(values[chosen], rng, proportion=metric.proportion, low=low, high=high, groups=of_chosen)
            if metric.once or metric.of_model:
                mean = mean._replace(low=np.nan, high=np.nan, method=NONE, groups=None)
            # The column `over` is needed, since a class may be called "all".
            group = (tables.ALL, tables.ALL) if which is None else (tables.CLASS, case.data_info["classes"][which])
            ends = (mean.mean, mean.low, mean.high, mean.examples, mean.method, mean.groups)
            rows.append((label, method_of(label), name, *group, *ends))
    return rows


def _say_few_groups(content: pd.DataFrame) -> None:
    """Warn of metrics that have no interval, since the examples are from too few groups."""
    few = content[(content["interval"] == FEW_GROUPS) & (tables.over(content) == tables.ALL)]
    if len(few):
        logger.warning(
            "no interval of %s: %s",
            comma_list(list(dict.fromkeys(few["metric"]))),
            example_groups.too_few(int(few[example_groups.COLUMN].max())),
        )


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
