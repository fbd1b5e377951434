"""Draw the measured examples: those that every method explains so that whole classes can be summarised."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, seeds
from pellucid.prepare.example_selection import KEYWORDS, targets
from pellucid.summarise import events
from pellucid.summarise.by_class import candidates

logger = logging.getLogger(__name__)


def select(
    *,
    x: Path | str,
    truth: Path | str,
    groups: Path | str,
    data_info: Path | str,
    predictions: Path | str,
    number: int | str,
    target: str | int | Mapping[str, str | int],
    align: str,
    seed: int,
    output: Path | str,
) -> None:
    """Draw the measured examples, and write where they are: not their inputs, which stand in `x_test.npy`.

    The draw has a generator of its own: neither the shown examples nor anything else depends on it. Examples are drawn
    whether the model is right or not, so that the summaries speak of the whole test set.

    Args:
        x, truth, groups, data_info, predictions: `x_test.npy`, `truth.npz`, `groups.npz`, `data.json` and
            `predictions.npz`.
        number: how many examples of each class, or "all". A class that has fewer gives all of them.
        target: as in `example_selection.select`.
        align: the event of each example, see `events.positions`.
        seed: of the experiment.
        output: gets `indices` (int64, into the test examples), `labels` (int64, the output that the example stands
            for), `targets` (int64), `predictions` (int64) and `probabilities` where the model has them, `group` (str)
            where the source names groups, and `event` (float32, a position on the first axis, NaN where unknown) where
            examples are aligned; class by class, in the order of the test examples.

    Raises:
        InputError: no class has the name `target`, or the event is not known.
    """
    classes, predicted = files.read_json(data_info)["classes"], files.map_arrays(predictions)
    answers, logits = np.asarray(predicted["labels"]), np.asarray(predicted["logits"])
    indices, labels = draw(answers, len(classes), number, seeds.generator(seed, "measured"))
    arrays: dict[str, NDArray[Any]] = {
        "indices": indices,
        "labels": labels,
        "targets": _targets(target, classes, answers, labels, logits[indices]),
    }
    if answers.ndim == 1:
        arrays["predictions"] = logits[indices].argmax(1)
    else:
        arrays["answers"] = answers[indices]
    if "probabilities" in predicted:
        arrays["probabilities"] = np.asarray(predicted["probabilities"])[indices]
    if (group := files.read_arrays(groups).get("test")) is not None:
        arrays["group"] = group[indices]
    if align != "none":
        arrays["event"] = events.positions(align, files.map_array(x), files.map_arrays(truth), indices)
    files.write_arrays(output, arrays)
    logger.info("%d examples of %d classes are measured", len(indices), len(np.unique(labels)))


def draw(
    answers: NDArray[Any], outputs: int, number: int | str, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw up to `number` examples that stand for each output; return their indices and the outputs, (N,) each."""
    indices, labels = [], []
    # One permutation for all outputs, so that the draw of one class does not depend on how many another class has.
    order = rng.permutation(len(answers))
    place = np.argsort(order)
    for output in range(outputs):
        rows = candidates(answers, output)
        rows = rows[np.argsort(place[rows])]
        chosen = np.sort(rows if number == "all" else rows[: int(number)])
        indices.append(chosen)
        labels.append(np.full(len(chosen), output, np.int64))
    return np.concatenate(indices).astype(np.int64), np.concatenate(labels)


def _targets(
    target: str | int | Mapping[str, str | int],
    classes: list[str],
    answers: NDArray[Any],
    labels: NDArray[np.int64],
    logits: NDArray[Any],
) -> NDArray[np.int64]:
    """Return the target of each example: of several labels or values, the one that the example stands for."""
    if answers.ndim > 1 and not isinstance(target, Mapping) and str(target) in KEYWORDS:
        return labels
    return targets(target, classes, labels, logits)
