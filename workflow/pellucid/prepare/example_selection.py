"""Choose the test examples that every method explains, and the class that is explained for each."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import files, seeds
from pellucid.datasets.base import UNLABELLED
from pellucid.errors import InputError
from pellucid.logits import log_odds
from pellucid.messages import MANY_CLASSES, abbreviate, comma_list, did_you_mean

logger = logging.getLogger(__name__)

# Values of examples.target that are not names of classes.
KEYWORDS = ("predicted", "true")


def select(
    *,
    x: Path | str,
    truth: Path | str,
    measured: Path | str,
    data_info: Path | str,
    predictions: Path | str,
    per_class: int,
    choose: str,
    target: str | int | Mapping[str, str | int],
    seed: int,
    output: Path | str,
    first: int = 10,
) -> None:
    """Write the chosen examples to one file, so that methods do not need the data set.

    Args:
        x, truth, measured, data_info, predictions: `x_test.npy`, `truth.npz`, `measured.npz`, `data.json` and
            `predictions.npz`.
        per_class: examples of each true class.
        choose: correct, wrong, most_confident, least_confident or any.
        target: predicted, true, or the name of a class; {class: name} for a class that is called predicted or true.
        seed: of the experiment.
        first: how many of examples without labels, in their order; `per_class` and `choose` do not count then.
        output: gets `indices` (int64, into the test examples), `inputs` (float32), `labels`, `predictions`, `targets`
            (int64), `probabilities` (float64), `truth` (bool) where it is known, and `measured` (bool, of the shape of
            the inputs) where a test example was padded or had gaps.

    Raises:
        InputError: no class has the name `target`, or no example fits `choose`.
    """
    classes = files.read_json(data_info)["classes"]
    predicted = files.read_arrays(predictions)
    labels, p, logits = predicted["labels"], predicted["probabilities"], predicted["logits"]
    if unlabelled := bool((labels == UNLABELLED).all()):
        indices = np.arange(min(first, len(labels)))
    else:
        indices = _chosen(labels, logits, per_class, choose, classes, seeds.generator(seed, "select"))
    arrays: dict[str, NDArray[Any]] = {
        "indices": indices,
        "inputs": np.asarray(files.map_array(x)[indices]),
        "labels": labels[indices],
        "predictions": logits.argmax(1)[indices],
        "probabilities": p[indices],
        "targets": targets(target, classes, labels[indices], logits[indices]),
    }
    for name, path in (("truth", truth), ("measured", measured)):
        # The file is empty where the source knows no truth, or fills no values.
        if "test" in (of_split := files.map_arrays(path)):
            arrays[name] = np.asarray(of_split["test"][indices])
    files.write_arrays(output, arrays)
    if unlabelled:
        logger.info("the first %d of %d examples, which have no labels", len(indices), len(labels))
    else:
        logger.info("%d examples of %d classes", len(indices), len(np.unique(labels[indices])))


def _chosen(
    labels: NDArray[np.int64],
    logits: NDArray[Any],
    per_class: int,
    choose: str,
    classes: Sequence[str],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Return the indices of the chosen examples; warn of classes that have too few.

    Raises:
        InputError: no example fits `choose`.
    """
    indices = choose_indices(labels, logits, per_class, choose, rng)
    if len(indices) == 0:
        raise InputError("examples.choose", f'no test example is "{choose}".', "Choose another value.")
    for label in np.unique(labels):
        if (count := int((labels[indices] == label).sum())) < per_class:
            name = abbreviate(classes[label])
            logger.warning("class %s has %d of the %d %s examples asked for", name, count, per_class, choose)
    return indices


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


def targets(
    target: str | int | Mapping[str, str | int],
    classes: Sequence[str],
    labels: NDArray[np.int64],
    logits: NDArray[Any],
) -> NDArray[np.int64]:
    """Return the class to explain for each example, (N,).

    Raises:
        InputError: `target` is neither predicted nor true nor a class.
    """
    keyword = not isinstance(target, Mapping)
    name = str(target["class"] if isinstance(target, Mapping) else target)
    if keyword and name in KEYWORDS and name in classes:
        logger.info(
            'examples.target: "%s" means the %s class of each example, not the class of this name; for this '
            "class write {class: %s}",
            *(name, name, name),
        )
    if keyword and name == "predicted":
        predicted: NDArray[np.int64] = logits.argmax(1)
        return predicted
    if keyword and name == "true":
        return labels
    if name in classes:
        return np.full(len(labels), list(classes).index(name), np.int64)
    names = [*(KEYWORDS if keyword else ()), *classes]
    expected = comma_list(names[: MANY_CLASSES + len(KEYWORDS)])
    if len(classes) > MANY_CLASSES:
        expected += f", … ({len(classes):,} classes)"
    raise InputError.unexpected(
        "examples.target", abbreviate(name), f"one of {expected}", did_you_mean(name, names).strip()
    )
