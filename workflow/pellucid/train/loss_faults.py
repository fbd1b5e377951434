"""Find out why a loss is NaN or infinite: the example and the layer, the weights, or the step of the training."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import InputError
from pellucid.network import finite
from pellucid.network.named_inputs import Rows

if TYPE_CHECKING:
    import keras

_HINT = "Lower learning_rate."


def require_step(
    epoch: int, step: int, logs: Mapping[str, Any] | None, fitted: Any, before: Callable[[], keras.Model]
) -> None:
    """Refuse a loss that is NaN or infinite after a step of training.

    Args:
        epoch, step: from 0.
        logs: of Keras, after the step.
        fitted: the batches of training examples.
        before: returns the model as it was before this epoch.

    Raises:
        InputError: such a loss. The message names the first example for which the model before this epoch has no finite
            output, with the layer; where all outputs are finite, the weights have grown since, and it names the step.
    """
    loss = float((logs or {}).get("loss", 0))
    if not math.isfinite(loss):
        _require_answers(before(), fitted, step, "training example")
        raise InputError.unexpected(
            f"training, epoch {epoch + 1}, step {step + 1}", f"a loss of {loss}", "a number", _HINT
        )


def require_epoch(epoch: int, scores: Mapping[str, float], network: keras.Model, validation: Any) -> None:
    """Refuse an epoch with a score that is NaN or infinite.

    Args:
        epoch: from 0.
        scores: of the epoch, by name.
        network: as it is after the epoch.
        validation: the batches of validation examples.

    Raises:
        InputError: such a score. The message names the layer whose weights are not finite, or else the first validation
            example for which the model has no finite output, if any.
    """
    bad = {name: value for name, value in scores.items() if not math.isfinite(value)}
    if not bad:
        return
    where = f"training, epoch {epoch + 1}"
    finite.require_weights(network, where, _HINT)
    for batch in range(len(validation)):
        _require_answers(network, validation, batch, "validation example")
    name, value = next(iter(bad.items()))
    raise InputError.unexpected(where, f"{name} {value}", "a number", _HINT)


def _require_answers(model: keras.Model, batches: Any, index: int, called: str) -> None:
    fed = batches[index][0]
    x = Rows(fed) if isinstance(fed, Mapping) else fed
    numbers = batches.order[index * batches.size :][: len(x)]
    finite.require_answers(model, x, np.asarray(model(fed, training=False), np.float32), called, numbers)
