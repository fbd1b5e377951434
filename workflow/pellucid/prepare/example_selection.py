"""Choose the test examples that every method explains, and what is explained of each."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, seeds
from pellucid.datasets.base import UNLABELLED
from pellucid.errors import InputError
from pellucid.logits import log_odds
from pellucid.messages import abbreviate
from pellucid.prepare import choice_by_label, choice_by_value, explained_targets, other_inputs
from pellucid.prepare.explained_targets import Target
from pellucid.targets import evidence, split
from pellucid.tasks import MULTI_LABEL, OUTPUT_WORD, OUTPUT_WORDS, REGRESSION, SINGLE_LABEL, sigmoid

logger = logging.getLogger(__name__)

# Of a label without a threshold of its own.
THRESHOLD = 0.5


def select(
    *,
    x: Path | str,
    truth: Path | str,
    measured: Path | str,
    data_info: Path | str,
    predictions: Path | str,
    per_class: int,
    choose: str,
    target: Target,
    seed: int,
    output: Path | str,
    first: int = 10,
    thresholds: Path | str | None = None,
    others: Path | str | None = None,
) -> None:
    """Write the chosen examples to one file, so that methods do not need the data set.

    Args:
        x, truth, measured, data_info, predictions: `x_test.npy`, `truth.npz`, `measured.npz`, `data.json` and
            `predictions.npz`.
        per_class: examples of each true class, label or value.
        choose: correct, wrong, most_confident, least_confident, any or negative; see `choose_indices`,
            `choice_by_label` and `choice_by_value`.
        target: `examples.target`, see `explained_targets`.
        seed: of the experiment.
        first: how many examples to take, in their order, if there are no labels; `per_class` and `choose` then do not
            count.
        thresholds: `thresholds.json`, the probability from which each label is predicted; None for 0.5.
        output: gets `indices` (int64, into the test examples), `inputs` (float32), `labels` (int64: the class, label or
            value that the example stands for), `targets` (int64, see `targets.py`), `predictions` (int64: the class,
            or whether the label is predicted; float32: the value), `probabilities` (float64, not of a regression),
            `answers` (the labels, uint8, or values, float32, of several labels or a regression), `truth` (bool, the
            evidence of what is explained) and `truth_frequency` (bool (n, bins)) where they are known, `measured`
            (bool, of the shape of the inputs) where a test example was padded or had gaps, and of data with several
            inputs `other/<name>` (float32), the values of the inputs beside the explained one.
        others: `other_test.npz`; None of data with one input.

    Raises:
        InputError: no output has the name that `target` has, or no example fits `choose`.
    """
    data, predicted = files.read_json(data_info), files.read_arrays(predictions)
    task, classes, logits = data.get("task", SINGLE_LABEL), data["classes"], predicted["logits"]
    answers = predicted["labels"]
    at = thresholds_of(thresholds, classes)
    if unlabelled := bool((answers == UNLABELLED).all()):
        indices = np.arange(min(first, len(answers)))
        stands_for = np.full(len(indices), UNLABELLED)
    else:
        indices, stands_for = _chosen(
            answers, logits, at, per_class, choose, target, classes, task, seeds.generator(seed, "select")
        )
    explained = explained_targets.targets(target, classes, stands_for, logits[indices], task)
    arrays: dict[str, NDArray[Any]] = {
        "indices": indices,
        "inputs": np.asarray(files.map_array(x)[indices]),
        "labels": stands_for,
        "predictions": predictions_of(logits[indices], stands_for, explained, at, task),
        **({"probabilities": predicted["probabilities"][indices]} if task != REGRESSION else {}),
        "targets": explained,
        **({} if task == SINGLE_LABEL or unlabelled else {"answers": answers[indices]}),
    }
    arrays |= known_of(truth, measured, indices, explained, arrays["inputs"].ndim)
    files.write_arrays(output, {**arrays, **other_inputs.of_examples(others, indices)})
    if unlabelled:
        logger.info("the first %d of %d examples, which have no labels", len(indices), len(answers))
    else:
        logger.info("%d examples of %d %s", len(indices), len(np.unique(stands_for)), OUTPUT_WORDS[task])


def known_of(
    truth: Path | str, measured: Path | str, indices: NDArray[np.int64], explained: NDArray[np.int64], depth: int
) -> dict[str, NDArray[np.bool_]]:
    """Return what is known of some test examples: `truth`, `truth_frequency` and `measured`, as far as it is known.

    Args:
        truth, measured: `truth.npz` and `measured.npz`.
        indices: (N,), of the test examples.
        explained: (N,), their targets.
        depth: number of axes of the inputs.
    """
    sources = {"truth": (truth, "test"), "truth_frequency": (truth, "test_frequency"), "measured": (measured, "test")}
    known = {}
    for name, (path, key) in sources.items():
        # A file lacks the key where the source knows no truth, or fills no values.
        if key in (of_split := files.map_arrays(path)):
            known[name] = np.asarray(of_split[key][indices])
    # Bins are of all channels together.
    for name, axes in (("truth", depth), ("truth_frequency", 2)):
        if name in known:
            known[name] = evidence(known[name], explained, axes)
    return known


def thresholds_of(path: Path | str | None, classes: Sequence[str]) -> NDArray[np.float64]:
    """Return the probability from which each label is predicted."""
    if path is None:
        return np.full(len(classes), THRESHOLD)
    of_labels = files.read_json(path)
    return np.array([of_labels[name] for name in classes], np.float64)


def predictions_of(
    logits: NDArray[Any],
    stands_for: NDArray[np.int64],
    explained: NDArray[np.int64],
    thresholds: NDArray[np.float64],
    task: str,
) -> NDArray[Any]:
    """Return the predicted class of each example, or what is predicted of its label or value: (N,)."""
    if task == SINGLE_LABEL:
        return np.asarray(logits.argmax(1), np.int64)
    # An example without labels stands for what is explained of it.
    outputs = np.where(stands_for == UNLABELLED, split(explained)[0], stands_for)
    of_output = logits[np.arange(len(logits)), outputs]
    if task == REGRESSION:
        return np.asarray(of_output, np.float32)
    return np.asarray(sigmoid(of_output) >= thresholds[outputs], np.int64)


def _chosen(
    answers: NDArray[Any],
    logits: NDArray[Any],
    thresholds: NDArray[np.float64],
    per_class: int,
    choose: str,
    target: Target,
    classes: Sequence[str],
    task: str,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the indices of the chosen examples, and what each stands for; warn of classes that have too few.

    Raises:
        InputError: no example fits `choose`, or none can be contrasted as `target` asks.
    """
    if task == SINGLE_LABEL:
        indices = choose_indices(answers, logits, per_class, choose, rng)
        stands_for = answers[indices]
    elif task == MULTI_LABEL:
        predicted = sigmoid(logits) >= thresholds
        indices, stands_for = choice_by_label.choose(answers, logits, predicted, per_class, choose, rng)
    else:
        indices, stands_for = choice_by_value.choose(answers, logits, per_class, choose, rng)
    if len(indices) == 0:
        raise InputError("examples.choose", f'no test example is "{choose}".', "Choose another value.")
    for label in np.unique(answers) if task == SINGLE_LABEL else range(len(classes)):
        if (count := int((stands_for == label).sum())) < per_class:
            name = abbreviate(classes[label])
            logger.warning(
                "%s %s has %d of the %d %s examples asked for", OUTPUT_WORD[task], name, count, per_class, choose
            )
    fits = explained_targets.contrasted(target, classes, stands_for, logits[indices], task)
    if not fits.any():
        raise InputError(
            "examples.target",
            "every chosen example would contrast an output with itself.",
            "Write another name after not, or choose other examples.",
        )
    if not fits.all():
        logger.warning(
            "%d of %d chosen examples are left out: examples.target would contrast an output with itself",
            *(int((~fits).sum()), len(fits)),
        )
    return indices[fits], stands_for[fits]


def choose_indices(
    labels: NDArray[np.int64], logits: NDArray[Any], per_class: int, choose: str, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the indices of up to `per_class` examples of each class, class by class.

    Confidence is the probability of the predicted class, compared by its log-odds, because the probabilities of a
    confident model all round to 1. Equally good examples are drawn at random.
    """
    predicted, confidence = logits.argmax(1), log_odds(logits).max(1)
    # A stable sort of a random permutation breaks ties at random.
    order = rng.permutation(len(labels))
    if choose == "most_confident":
        order = order[np.argsort(-confidence[order], kind="stable")]
    elif choose == "least_confident":
        order = order[np.argsort(confidence[order], kind="stable")]
    elif choose == "correct":
        order = order[predicted[order] == labels[order]]
    elif choose == "wrong":
        order = order[predicted[order] != labels[order]]
    return np.concatenate([order[labels[order] == label][:per_class] for label in np.unique(labels)])
