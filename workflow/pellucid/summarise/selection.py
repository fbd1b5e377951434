"""Draw the measured examples: those that every method explains so that whole classes can be summarised."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, seeds
from pellucid.errors import InputError
from pellucid.prepare import explained_targets, other_inputs
from pellucid.prepare.example_selection import predictions_of, thresholds_of
from pellucid.prepare.explained_targets import Target
from pellucid.summarise import events
from pellucid.summarise.by_class import candidates
from pellucid.tasks import OUTPUT_WORDS, REGRESSION, SINGLE_LABEL

logger = logging.getLogger(__name__)


def select(
    *,
    x: Path | str,
    truth: Path | str,
    groups: Path | str,
    data_info: Path | str,
    predictions: Path | str,
    number: int | str,
    target: Target,
    align: str,
    seed: int,
    output: Path | str,
    thresholds: Path | str | None = None,
    others: Path | str | None = None,
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
        output: gets `indices`, `labels`, `targets`, `predictions`, `probabilities` and `answers` as
            `example_selection.select` writes them, `group` (str) where the source names groups, and `event` (float32, a
            position on the first axis, NaN where unknown) where examples are aligned; class by class, in the order of
            the test examples; and `other/<name>` (float32), the values of the inputs beside the explained one, if any.
        others: `other_test.npz`; None of data with one input.
        thresholds: `thresholds.json`, the probability from which each label is predicted; None for 0.5.

    Raises:
        InputError: no class has the name `target`, or the event is not known.
    """
    data, predicted = files.read_json(data_info), files.map_arrays(predictions)
    task, classes = data.get("task", SINGLE_LABEL), data["classes"]
    answers, logits = np.asarray(predicted["labels"]), np.asarray(predicted["logits"])
    indices, labels = draw(answers, len(classes), number, seeds.generator(seed, "measured"))
    fits = explained_targets.contrasted(target, classes, labels, logits[indices], task)
    if not fits.any():
        raise InputError("examples.target", "every measured example would contrast an output with itself.")
    indices, labels = indices[fits], labels[fits]
    explained = explained_targets.targets(target, classes, labels, logits[indices], task)
    at = thresholds_of(thresholds, classes)
    arrays: dict[str, NDArray[Any]] = {
        "indices": indices,
        "labels": labels,
        "targets": explained,
        "predictions": predictions_of(logits[indices], labels, explained, at, task),
        **({} if task == SINGLE_LABEL else {"answers": answers[indices]}),
        **({} if task == REGRESSION else {"probabilities": np.asarray(predicted["probabilities"])[indices]}),
    }
    if (group := files.read_arrays(groups).get("test")) is not None:
        arrays["group"] = group[indices]
    if align != "none":
        arrays["event"] = events.positions(align, files.map_array(x), files.map_arrays(truth), indices, explained, data)
    files.write_arrays(output, {**arrays, **other_inputs.of_examples(others, indices)})
    logger.info("%d examples of %d %s are measured", len(indices), len(np.unique(labels)), OUTPUT_WORDS[task])


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
