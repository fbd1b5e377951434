"""Test whether the model uses the planted evidence: its predictions without the evidence, and with nothing else.

A score against planted evidence assumes that the model uses it. This is tested on all test examples: with the evidence
removed, with everything else removed and, as a control, with another region of the same size and shape removed. Several
fills replace the removed values, because no fill is neutral: a hole can look like nothing that the model was trained
on, or show the class by its place.

If a source knows the frequencies of the evidence but not its place, these are removed (`frequency_evidence.py`). The
control is then the removal of as many other bins of the Fourier transform, those with the most power.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pellucid import files, seeds, tables
from pellucid.batching import blocks
from pellucid.errors import InputError
from pellucid.evaluate import frequency_evidence
from pellucid.logits import softmax
from pellucid.network.explained_model import ExplainedModel
from pellucid.score.base import ScoreContext
from pellucid.score.shared import example_groups
from pellucid.score.shared.bootstrap import interval
from pellucid.score.shared.fills import Fill, fills
from pellucid.seeds import per_example

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

Mask = NDArray[np.bool_]

WHOLE = "whole"  # the inputs as they are
WITHOUT, ONLY, CONTROL = "without", "only", "control"
ALTERED = (WITHOUT, ONLY, CONTROL)
NONE = "none"  # the fill where nothing is replaced
FILLS = ("mean", "noise", "linear", "other")
COLUMNS = ("part", "fill", "metric", "over", "class", "mean", "low", "high", "examples", "interval")


def run(
    *,
    x: Path | str,
    labels: Path | str,
    truth: Path | str,
    data_info: Path | str,
    training: Path | str,
    model: Path | str,
    seed: int,
    threads: int,
    memory_mb: int,
    table: Path | str,
    groups: Path | str | None = None,
) -> None:
    """Ask the model about the test examples with and without their evidence.

    Args:
        x, training: `x_test.npy` and `x_train.npy`.
        labels, truth, data_info: `labels.npz`, `truth.npz` and `data.json`.
        model: `model.keras`.
        seed: of the experiment.
        threads: CPU threads.
        memory_mb: for the batches.
        table: CSV; see `measure`.
        groups: `groups.npz`; intervals are over the groups of the test examples, where it has any.

    Raises:
        InputError: the data source gives no evidence.
    """
    planted, classes = files.map_arrays(truth), files.read_arrays(labels)
    if not {"test", "test_frequency"} & set(planted):
        raise InputError.unexpected(str(truth), "no evidence of the test examples", "a source that plants it")
    case = ScoreContext(
        data_info=files.read_json(data_info),
        inputs=files.map_array(x),
        targets=classes["test"],
        labels=classes["test"],
        truth=planted.get("test"),
        truth_frequency=planted.get("test_frequency"),
        model=ExplainedModel.load(model, threads=threads, memory_mb=memory_mb),
        training=files.map_array(training),
        training_labels=classes["train"],
        seed=seed,
    )
    results = measure(case, example_groups.of_test(groups))
    tables.write(table, results)
    for fill, by_part in accuracies(results).items():
        logger.info(
            "%s: accuracy %.3f; %.3f without the evidence, %.3f with the evidence alone, "
            "%.3f without an equal region elsewhere",
            fill,
            *by_part,
        )
    verdicts = needed(results)
    if not verdicts:
        logger.warning("it cannot be told whether the model needs the planted evidence: %s", too_few(results))
    for verdict, said in (
        (False, "the model does not need the planted evidence (fill: %s): no score against it is valid"),
        (None, "it cannot be told from these examples whether the model needs the planted evidence (fill: %s)"),
    ):
        if of_verdict := [fill for fill, found in verdicts.items() if found is verdict]:
            logger.warning(said, ", ".join(of_verdict))


def measure(case: ScoreContext, origins: NDArray[np.str_] | None = None) -> pd.DataFrame:
    """Predict every example unchanged and with parts replaced; return means with 95% intervals over the examples.

    Args:
        case: test examples with their labels as targets, the truth, the model, and training examples.
        origins: (N,), the group of each example (a recording, a patient), over which intervals are; None without.

    Returns:
        A row for each part (whole; without the evidence; only the evidence; control: without an equal region
        elsewhere), fill (none for the whole) and metric, over all examples and over those of each class. Metrics:
        accuracy, and the probability of the true class; for the whole also `share`, the share of the values, or of the
        bins, that is evidence; for the control also `overlap`, the share of the evidence that it
        covers. Examples without evidence are left out. Noise is one pattern for all examples, as in every baseline: the
        intervals do not include the chance of its draw.

    Raises:
        InputError: no example has evidence, or no training example has another class.
    """
    import pandas as pd

    assert case.model is not None
    truth = _truth(case)
    planted = truth.any(tuple(range(1, truth.ndim)))
    if not planted.any():
        raise InputError.unexpected(
            "truth of the test examples", "no value that is marked as evidence", "some in every example"
        )
    # In batches: all fills of all examples would not fit into memory.
    measured = [_values(_rows(case, rows)) for rows, _ in blocks(len(truth), 1, case.model.batch_size())]
    values = {key: np.concatenate([batch[key] for batch in measured]) for key in measured[0]}
    groups = [(tables.ALL, tables.ALL, planted)]
    groups += [
        (tables.CLASS, name, planted & (case.labels == label)) for label, name in enumerate(case.data_info["classes"])
    ]
    rows = []
    for (part, fill, metric), of_examples in values.items():
        for over, name, members in groups:
            rng = seeds.generator(case.seed, "evidence", "interval", part, fill, metric, name)
            of_members = None if origins is None else origins[members]
            ends = interval(
                of_examples[members], rng, proportion=metric == "accuracy", low=0, high=1, groups=of_members
            )
            numbers = (ends.mean, ends.low, ends.high, int(members.sum()), ends.method, ends.groups)
            rows.append((part, fill, metric, over, name, *numbers))
    return example_groups.counted_in(pd.DataFrame(rows, columns=[*COLUMNS, example_groups.COLUMN]))


def _truth(case: ScoreContext) -> Mask:
    """Return where the evidence is, (N, *input_shape); or in which bins, (N, bins), where its place is not known."""
    truth = case.truth_frequency if case.truth is None else case.truth
    assert truth is not None
    return truth


def _rows(case: ScoreContext, rows: slice) -> ScoreContext:
    """Return the context of some of the examples."""
    return replace(
        case,
        inputs=np.asarray(case.inputs[rows]),
        targets=case.targets[rows],
        labels=case.labels[rows],
        truth=None if case.truth is None else np.asarray(case.truth[rows]),
        truth_frequency=None if case.truth_frequency is None else np.asarray(case.truth_frequency[rows]),
    )


def _values(case: ScoreContext) -> dict[tuple[str, str, str], NDArray[np.float64]]:
    """Return every metric of every example, (N,), by part, fill and metric."""
    truth = _truth(case)
    axes = tuple(range(1, truth.ndim))
    if case.truth is None:
        moved = frequency_evidence.strongest_others(truth, case.inputs)
    else:
        moved = elsewhere(truth, case.inputs, seeds.generator(case.seed, "evidence", "control"))
    probabilities = _probabilities(case, dict(zip(ALTERED, (truth, ~truth, moved), strict=True)))
    values = {
        (part, fill, metric): of_examples
        for (part, fill), p in probabilities.items()
        for metric, of_examples in (
            ("accuracy", (p.argmax(1) == case.labels).astype(np.float64)),
            ("probability", p[np.arange(len(p)), case.labels]),
        )
    }
    values[WHOLE, NONE, "share"] = truth.mean(axes)
    values[CONTROL, NONE, "overlap"] = (moved & truth).sum(axes) / np.maximum(truth.sum(axes), 1)
    return values


def _probabilities(case: ScoreContext, removed: Mapping[str, Mask]) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Return the probabilities (N, classes) of the unchanged examples, and those for every part and fill."""
    assert case.model is not None
    kinds = [kind for kind in FILLS if kind != "linear" or case.inputs.ndim == 3]
    probabilities = {(WHOLE, NONE): softmax(case.model.logits(case.inputs))}
    rng = seeds.generator(case.seed, "evidence", "fills")
    if case.truth is None:
        by_kind = frequency_evidence.fills(_truth(case), case.inputs, rng)
    else:
        by_kind = fills(case, kinds, rng)
    for kind, fill in by_kind.items():
        for part, mask in removed.items():
            probabilities[part, kind] = _replaced(case.model, fill, mask)
    return probabilities


def _replaced(model: ExplainedModel, fill: Fill, mask: Mask) -> NDArray[np.float64]:
    """Return the probabilities (N, classes) with the values, or bins, under the mask replaced."""
    probabilities = np.empty((len(mask), model.n_classes))
    for rows, _ in blocks(len(mask), 1, model.batch_size()):
        probabilities[rows] = softmax(model.logits(fill(rows, mask[np.newaxis, rows])[0]))
    return probabilities


def elsewhere(truth: Mask, inputs: NDArray[np.float32], rng: np.random.Generator) -> Mask:
    """Move every example's mask as a whole to a place that overlaps the evidence least; draw among equal places.

    The mask moves along all axes, also that of the channels, and never over an edge: size and shape stay the same.

    Args:
        truth: (N, *axes, channels).
        inputs: of the same shape; the random numbers of an example depend on its values.
        rng: draws the places.
    """
    from scipy.signal import correlate

    moved = np.zeros_like(truth)
    for row, (mask, stream) in enumerate(zip(truth, per_example(inputs, rng), strict=True)):
        if not mask.any():
            continue
        whole = mask.astype(np.float64)
        box = mask[tuple(slice(at.min(), at.max() + 1) for at in np.nonzero(mask))]
        # Overlap counts, one for each place of the box, rounded because the Fourier transform is not exact.
        touched = np.rint(correlate(whole, box.astype(np.float64), mode="valid", method="fft"))
        place = stream.choice(np.argwhere(touched == touched.min()))
        moved[row][tuple(slice(at, at + size) for at, size in zip(place, box.shape, strict=True))] = box
    return moved


def read(table: Path | str) -> pd.DataFrame:
    """Read the table that `run` wrote; the fill "none" stays a word, not a missing value."""
    return tables.read(table, words=("fill", "class"))


def accuracies(table: pd.DataFrame) -> dict[str, tuple[float, float, float, float]]:
    """Return by fill the accuracy over all examples: unchanged, without evidence, with only evidence, and control."""
    rows = tables.over_all(table[table["metric"] == "accuracy"])
    means = rows.set_index(["part", "fill"])["mean"]
    kinds = list(dict.fromkeys(rows.loc[rows["part"] != WHOLE, "fill"]))
    whole = float(means[WHOLE, NONE])
    return {
        kind: (whole, float(means[WITHOUT, kind]), float(means[ONLY, kind]), float(means[CONTROL, kind]))
        for kind in kinds
    }


def too_few(table: pd.DataFrame) -> str:
    """Return why `needed` is empty."""
    return example_groups.too_few(int(tables.over_all(table)[example_groups.COLUMN].max()))


def chance(table: pd.DataFrame) -> float:
    """Return the accuracy of always predicting the most frequent class."""
    rows = table[(table["metric"] == "accuracy") & (table["part"] == WHOLE)]
    of_class = tables.over(rows) == tables.CLASS
    return float(rows.loc[of_class, "examples"].max() / rows.loc[~of_class, "examples"].iloc[0])


def needed(table: pd.DataFrame) -> dict[str, bool | None]:
    """Return by fill whether the model needs the evidence; None where the intervals allow both answers.

    The model needs it if the upper end of the accuracy's interval without the evidence lies below the interval of the
    control, and below half-way between chance and the accuracy on unchanged examples. The second threshold is this
    project's own: a significant drop alone also occurs with a model that mostly uses other values. The model does not
    need it if the lower end lies above the interval of the control, or not below half-way. Nothing is returned if the
    examples are from too few groups for an interval.
    """
    rows = tables.over_all(table[table["metric"] == "accuracy"]).set_index(["part", "fill"])
    if rows[["low", "high"]].isna().any(axis=None):
        return {}
    half = (float(rows.loc[(WHOLE, NONE), "mean"]) + chance(table)) / 2
    verdicts = dict[str, bool | None]()
    for kind in accuracies(table):
        without, control = rows.loc[(WITHOUT, kind)], rows.loc[(CONTROL, kind)]
        needs = without["high"] < min(half, control["low"])
        spared = without["low"] >= half or without["low"] > control["high"]
        verdicts[kind] = True if needs else False if spared else None
    return verdicts
