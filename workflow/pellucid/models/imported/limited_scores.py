"""Log that class scores are treated as logits, and warn if an activation limits them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pellucid.network import same_function
from pellucid.network.named_inputs import Rows, standard_normal

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)

# Inputs that drive an activation with two limits to one of them, how many, and the share that must be there.
_LARGE, _ROWS, _MOST = 1e4, 16, 0.9

_DOUBT = (
    "{follows} follows them, and maps explain them as they are. If the scores had another meaning in the model's "
    "training (evidence, counts, independent labels), probabilities and explanations are not those of its training"
)


def tell(name: str, activation: str | None, follows: str = "a softmax") -> None:
    """Log that the scores of a layer get a softmax.

    Args:
        name: of the layer.
        activation: that limits its scores, such as relu, softplus or tanh; None for scores that can be any number.
        follows: the activation that is put behind them.
    """
    if activation is None:
        logger.info('the scores of "%s" are taken for logits: %s follows them', name, follows)
        return
    logger.warning(
        'the scores of "%s" end in the activation %s, which logits rarely do. They are taken for logits: %s.',
        *(name, activation, _DOUBT.format(follows=follows)),
    )


def tell_of_answers(model: keras.Model, answers: NDArray[np.float64], follows: str = "a softmax") -> None:
    """Warn if all answers of a model look like the results of an activation that limits scores.

    Args:
        model: whose outputs are the scores.
        answers: (N, classes) to inputs of several sizes (`same_function.tries`).
        follows: the activation that is put behind them.
    """
    low, high = float(np.nanmin(answers)), float(np.nanmax(answers))
    if low == high:  # a model without weights
        return
    if low >= 0:
        found = "never negative, as behind a ReLU or a softplus"
    elif high <= 0:
        found = "never positive, as logarithms of probabilities"
    elif low >= -1 and high <= 1:
        found = "always from -1 to 1, as behind a tanh"
    elif (ends := _saturated(model)) is not None:
        found = f"{ends[0]:.4g} or {ends[1]:.4g} for nearly all large inputs, as behind a sigmoid or a tanh"
    else:
        return
    logger.warning(
        "its scores are %s, which logits rarely are. They are taken for logits: %s.",
        *(found, _DOUBT.format(follows=follows)),
    )


def _saturated(model: keras.Model) -> tuple[float, float] | None:
    """Return the two limits that nearly all scores of large inputs have; None for scores that are not limited.

    A recurrent network has limits as well, but each output of a dense layer behind it has its own.
    """
    inputs = standard_normal(model, _ROWS)
    if isinstance(inputs, Rows):  # of several inputs, of which some may be numbers of tokens
        return None
    try:
        answers = same_function.ask(model, np.float32(_LARGE) * inputs)
    except Exception:  # of any kind: a function may refuse such inputs, and nothing is known then
        return None
    answers = answers.reshape(len(answers), -1)
    if not np.isfinite(answers).all() or not np.ptp(answers):
        return None
    ends = float(answers.min()), float(answers.max())
    at_ends = [np.abs(answers - end) <= 1e-5 * np.ptp(answers) for end in ends]
    several = all(at.any(1).sum() > 1 and at.any(0).sum() > min(1, answers.shape[1] - 1) for at in at_ends)
    return ends if several and np.logical_or(*at_ends).mean() > _MOST else None
