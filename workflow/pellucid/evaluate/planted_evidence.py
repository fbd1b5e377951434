"""Whether the model uses the planted evidence: what it says without it, and with nothing else.

A score against planted evidence supposes that the model looks there. It is shown here before such a score is believed:
on all test examples, with the evidence taken out, with everything but the evidence taken out and, as a control, with
another part of the same size and shape taken out. What takes its place is a dimension of its own, since no fill is
neutral: a hole can have a look that the model has never seen, or that tells the class by its place.
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
from pellucid.logits import softmax
from pellucid.network.explained_model import ExplainedModel
from pellucid.score.base import ScoreContext
from pellucid.score.shared.bootstrap import interval
from pellucid.score.shared.fills import Fill, fills
from pellucid.score.shared.streams import per_example_rng

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

Mask = NDArray[np.bool_]

WHOLE = "whole"  # the inputs as they are
WITHOUT, ONLY, CONTROL = "without", "only", "control"
ALTERED = (WITHOUT, ONLY, CONTROL)
NONE = "none"  # in the place of a fill: nothing is replaced
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
) -> None:
    """Ask the model about the test examples with and without their evidence.

    Args:
        x: `x_test.npy`.
        labels: `labels.npz`.
        truth: `truth.npz`.
        data_info: `data.json`.
        training: `x_train.npy`.
        model: `model.keras`.
        seed: of the experiment.
        threads: CPU threads.
        memory_mb: for the batches.
        table: CSV; see `measure`.

    Raises:
        InputError: the data source does not know the evidence.
    """
    planted, classes = files.map_arrays(truth), files.read_arrays(labels)
    if "test" not in planted:
        raise InputError.unexpected(str(truth), "no evidence of the test examples", "a source that plants it")
    case = ScoreContext(
        data_info=files.read_json(data_info),
        inputs=files.map_array(x),
        targets=classes["test"],
        labels=classes["test"],
        truth=planted["test"],
        model=ExplainedModel.load(model, threads=threads, memory_mb=memory_mb),
        training=files.map_array(training),
        training_labels=classes["train"],
        seed=seed,
    )
    found = measure(case)
    tables.write(table, found)
    for fill, found_with in accuracies(found).items():
        logger.info(
            "%s: accuracy %.3f; %.3f without the evidence, %.3f with it alone, %.3f without as much elsewhere",
            fill,
            *found_with,
        )
    if wanting := ", ".join(fill for fill, one in needed(found).items() if not one):
        logger.warning("the model does not need the planted evidence (fill: %s): no score against it holds", wanting)


def measure(case: ScoreContext) -> pd.DataFrame:
    """What the model says of every example as it is and with parts replaced, with 95% intervals over examples.

    Args:
        case: test examples with their labels as targets, the truth, the model, and training examples.

    Returns:
        A row for each part (whole; without the evidence; only the evidence; control: without an equal part elsewhere),
        fill (none for the whole) and metric, over all examples and over those of each class. Metrics: accuracy, and the
        probability of the true class; of the whole also `share`, how much of the values is evidence; of the control
        also `overlap`, how much of the evidence it covers. Examples without evidence are left out. Noise is one pattern
        for all examples, as in every baseline: the intervals do not show the luck of its draw.

    Raises:
        InputError: no example has evidence, or there is no training example of another class.
    """
    import pandas as pd

    assert case.truth is not None
    assert case.model is not None
    axes = tuple(range(1, case.truth.ndim))
    planted = case.truth.any(axes)
    if not planted.any():
        raise InputError.unexpected(
            "truth of the test examples", "no value that is marked as evidence", "some in every example"
        )
    # A batch after the other: what is said of an example depends on no other, and all fills of all would not fit.
    measured = [_values(_part(case, part)) for part, _ in blocks(len(case.truth), 1, case.model.batch_size())]
    values = {key: np.concatenate([one[key] for one in measured]) for key in measured[0]}
    groups = [(tables.ALL, tables.ALL, planted)]
    groups += [
        (tables.CLASS, name, planted & (case.labels == label)) for label, name in enumerate(case.data_info["classes"])
    ]
    rows = []
    for (part, fill, metric), one in values.items():
        for over, name, members in groups:
            rng = seeds.generator(case.seed, "evidence", "interval", part, fill, metric, name)
            ends = interval(one[members], rng, proportion=metric == "accuracy", low=0, high=1)
            found = (ends.mean, ends.low, ends.high, int(members.sum()), ends.method)
            rows.append((part, fill, metric, over, name, *found))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _part(case: ScoreContext, part: slice) -> ScoreContext:
    """Some of the examples."""
    assert case.truth is not None
    return replace(
        case,
        inputs=np.asarray(case.inputs[part]),
        targets=case.targets[part],
        labels=case.labels[part],
        truth=np.asarray(case.truth[part]),
    )


def _values(case: ScoreContext) -> dict[tuple[str, str, str], NDArray[np.float64]]:
    """Every metric of every example, (N,), by part, fill and metric."""
    assert case.truth is not None
    axes = tuple(range(1, case.truth.ndim))
    moved = elsewhere(case.truth, case.inputs, seeds.generator(case.seed, "evidence", "control"))
    said = _said(case, dict(zip(ALTERED, (case.truth, ~case.truth, moved), strict=True)))
    values = {
        (part, fill, metric): one
        for (part, fill), p in said.items()
        for metric, one in (
            ("accuracy", (p.argmax(1) == case.labels).astype(np.float64)),
            ("probability", p[np.arange(len(p)), case.labels]),
        )
    }
    values[WHOLE, NONE, "share"] = case.truth.mean(axes)
    values[CONTROL, NONE, "overlap"] = (moved & case.truth).sum(axes) / np.maximum(case.truth.sum(axes), 1)
    return values


def _said(case: ScoreContext, removed: Mapping[str, Mask]) -> dict[tuple[str, str], NDArray[np.float64]]:
    """The probabilities (N, classes) of the examples as they are, and for every part and fill."""
    assert case.model is not None
    kinds = [kind for kind in FILLS if kind != "linear" or case.inputs.ndim == 3]
    found = {(WHOLE, NONE): softmax(case.model.logits(case.inputs))}
    for kind, fill in fills(case, kinds, seeds.generator(case.seed, "evidence", "fills")).items():
        for part, mask in removed.items():
            found[part, kind] = _answers(case.model, fill, mask)
    return found


def _answers(model: ExplainedModel, fill: Fill, mask: Mask) -> NDArray[np.float64]:
    """Probabilities (N, classes) of the examples whose values under the mask (N, *input_shape) are replaced."""
    found = np.empty((len(mask), model.n_classes))
    for part, _ in blocks(len(mask), 1, model.batch_size()):
        found[part] = softmax(model.logits(fill(part, mask[np.newaxis, part])[0]))
    return found


def elsewhere(truth: Mask, inputs: NDArray[np.float32], rng: np.random.Generator) -> Mask:
    """Every example's mask moved as a whole to another place, drawn among those that touch the evidence least.

    Moved along all axes, the channels' too, and never over an edge, so that size and shape stay as they are. Where the
    evidence takes so much room that every place touches it, the one that touches it least is the answer.

    Args:
        truth: (N, *axes, channels).
        inputs: of the same shape; each example has random numbers of its own.
        rng: for the places.
    """
    from scipy.signal import correlate

    found = np.zeros_like(truth)
    for row, (mask, stream) in enumerate(zip(truth, per_example_rng(inputs, rng), strict=True)):
        if not mask.any():
            continue
        whole = mask.astype(np.float64)
        box = mask[tuple(slice(at.min(), at.max() + 1) for at in np.nonzero(mask))]
        # Counts, but for the rounding of the transform: one entry for each place of the box.
        touched = np.rint(correlate(whole, box.astype(np.float64), mode="valid", method="fft"))
        place = stream.choice(np.argwhere(touched == touched.min()))
        found[row][tuple(slice(at, at + size) for at, size in zip(place, box.shape, strict=True))] = box
    return found


def read(table: Path | str) -> pd.DataFrame:
    """The table that `run` wrote. A fill is called "none", which pandas would take for a missing value."""
    return tables.read(table, words=("fill", "class"))


def accuracies(table: pd.DataFrame) -> dict[str, tuple[float, float, float, float]]:
    """By fill, the accuracy over all examples: as they are, without the evidence, with it only, and of the control."""
    chosen = tables.over_all(table[table["metric"] == "accuracy"])
    means = chosen.set_index(["part", "fill"])["mean"]
    kinds = list(dict.fromkeys(chosen.loc[chosen["part"] != WHOLE, "fill"]))
    whole = float(means[WHOLE, NONE])
    return {
        kind: (whole, float(means[WITHOUT, kind]), float(means[ONLY, kind]), float(means[CONTROL, kind]))
        for kind in kinds
    }


def chance(table: pd.DataFrame) -> float:
    """The accuracy of always answering with the class that most examples have."""
    chosen = table[(table["metric"] == "accuracy") & (table["part"] == WHOLE)]
    of_class = tables.over(chosen) == tables.CLASS
    return float(chosen.loc[of_class, "examples"].max() / chosen.loc[~of_class, "examples"].iloc[0])


def needed(table: pd.DataFrame) -> dict[str, bool]:
    """By fill, whether the model needs the evidence.

    It does where, without the evidence, even the upper end of the accuracy's interval has lost more than half of what
    the model knows beyond chance, and lies below the interval of the control. A threshold of this project: a fall that
    is merely sure would do for a model that takes most of its answer from elsewhere.
    """
    chosen = tables.over_all(table[table["metric"] == "accuracy"]).set_index(["part", "fill"])
    half = (float(chosen.loc[(WHOLE, NONE), "mean"]) + chance(table)) / 2
    return {
        kind: bool(chosen.loc[(WITHOUT, kind), "high"] < min(half, float(chosen.loc[(CONTROL, kind), "low"])))
        for kind in accuracies(table)
    }
