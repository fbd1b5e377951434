"""Select the explained part of a model's outputs inside TensorFlow: one column, or the difference of two.

`pellucid.targets` codes targets as int64. TensorFlow gets int32 indices: (N,) where no target is a contrast, else
(N, 2): the explained output and the subtracted one, -1 for none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.targets import split

if TYPE_CHECKING:
    import tensorflow as tf


def indices(targets: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the columns of targets (N,): (N,), or (N, 2) if one of them is a contrast."""
    why, other = split(targets)
    columns = why if (other < 0).all() else np.stack([why, other], axis=1)
    return columns.astype(np.int32)


def pairs(columns: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return columns from `indices` as (N, 2), with -1 for nothing subtracted."""
    return columns if columns.ndim == 2 else np.stack([columns, np.full_like(columns, -1)], axis=1)


def taken(tf_: Any, outputs: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """Return the target's value of each example, from outputs (N, outputs) and columns of `indices`: (N,)."""
    if columns.shape.rank == 1:
        return tf_.gather(outputs, columns, batch_dims=1)
    why, other = columns[:, 0], columns[:, 1]
    subtracted = tf_.gather(outputs, tf_.maximum(other, 0), batch_dims=1)
    # Where nothing is subtracted, the value stays as it is, to the last bit.
    return tf_.gather(outputs, why, batch_dims=1) - tf_.where(other < 0, tf_.zeros_like(subtracted), subtracted)


def slopes(tf_: Any, columns: tf.Tensor, n_outputs: int) -> tf.Tensor:
    """Return the derivative of the target's value by each output: 1 at the explained one, -1 at the subtracted one.

    Args:
        tf_: TensorFlow.
        columns: of N examples, from `indices`.
        n_outputs: number of outputs.

    Returns:
        (N, n_outputs).
    """
    if columns.shape.rank == 1:
        return tf_.one_hot(columns, n_outputs)
    return tf_.one_hot(columns[:, 0], n_outputs) - tf_.one_hot(columns[:, 1], n_outputs)
