"""Refuse a target whose score is the same for every input, before methods explain it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import InputError
from pellucid.explain.shared import held_examples
from pellucid.messages import abbreviate
from pellucid.network.explained_model import ExplainedModel
from pellucid.targets import along_outputs, name, split
from pellucid.tasks import OUTPUT_WORD


def refuse(
    model: ExplainedModel,
    inputs: NDArray[np.float32],
    targets: NDArray[np.int64],
    held: Mapping[str, NDArray[Any]],
    classes: Sequence[str] | None,
) -> None:
    """Refuse a target whose score is constant: its attributions would all be zero, and would pass as complete.

    With held inputs, a score counts as constant if the explained input changes it for no example.

    Raises:
        InputError: the score is the same for all examples, for random inputs of their range, and far outside of it.
    """
    rng = np.random.default_rng(0)
    low, high = float(inputs.min()), float(inputs.max())
    shape = (8, *inputs.shape[1:])
    random_inputs = [rng.uniform(low, high, shape), 10 * max(high - low, 1) * rng.standard_normal(shape)]
    before = (model.forward_passes, model.backward_passes)
    different = np.unique(targets)
    ranges, largest = [], np.zeros(model.n_classes)
    for rows in held_examples.each(model, held, len(inputs)):
        example_scores = model.scores(inputs[rows], called="explained example")
        random_scores = model.scores(np.concatenate(random_inputs).astype(np.float32), called="")
        # Far from the data a score may overflow, or be the logarithm of 0: this is not a fault.
        scores = np.concatenate([example_scores, random_scores[np.isfinite(random_scores).all(1)]])
        largest = np.maximum(largest, np.abs(scores).max(0))
        of_targets = along_outputs(scores, different)
        ranges.append(np.ptp(of_targets, axis=0))
    # These passes are not part of the method's cost.
    model.forward_passes, model.backward_passes = before
    largest = np.append(largest, 0)  # the last, of index -1, where nothing is subtracted
    rounding = 4 * np.finfo(np.float32).eps * np.maximum(*(largest[outputs] for outputs in split(different)))
    constant = np.flatnonzero(np.max(ranges, axis=0) <= rounding)
    if constant.size:
        value, target = float(of_targets[0, constant[0]]), int(different[constant[0]])
        names = classes or [str(number) for number in range(model.n_classes)]
        word = OUTPUT_WORD[model.task] if split(different)[1][constant[0]] < 0 else "contrast"
        if held:
            problem = "the explained input changes its score for no example: there is nothing to explain."
            raise InputError(f"{word} {abbreviate(name(target, names))}", problem, "Explain another input.")
        raise InputError(
            f"{word} {abbreviate(name(target, names))}",
            f"the score is {value:.4g} for every input, and a constant has no explanation.",
            f"Look at the weights of this {word} in the last layer, and whether the training went well.",
        )
