"""What a model predicts for many examples, those of several inputs included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pellucid import files
from pellucid.errors import InputError
from pellucid.network import finite
from pellucid.network.explained_model import ExplainedModel


def logits(
    explained_model: ExplainedModel, x: Path | str, others: Path | str | None, called: str
) -> NDArray[np.float32]:
    """Return the outputs before the softmax or sigmoid of all examples: (N, outputs).

    Args:
        explained_model: of the trained model.
        x: `x_<split>.npy`, (N, *shape).
        others: `other_<split>.npz`, the inputs beside it, rows as in x; None of data with one input.
        called: what a message calls an example.

    Raises:
        InputError: an output is NaN or infinite.
    """
    examples = files.map_array(x)
    if others is None:
        return explained_model.logits(examples, called=called)
    held, blocks, size = files.map_arrays(others), [], explained_model.batch_size()
    for start in range(0, len(examples), size):
        rows = slice(start, start + size)
        explained_model.hold({name: np.asarray(array[rows]) for name, array in held.items()})
        blocks.append(explained_model.logits(np.asarray(examples[rows]), called=""))
    found = np.concatenate(blocks)
    if (index := finite.first(found)) is not None:
        problem = "NaN or infinity in the model's answer"
        raise InputError.unexpected(f"{called} {index}", problem, "finite numbers", "Look at the range of its inputs.")
    return found
