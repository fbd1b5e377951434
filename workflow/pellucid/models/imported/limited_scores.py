"""Say that scores of classes are taken for logits, and warn where an activation limits them."""

from __future__ import annotations

import logging

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

_DOUBT = (
    "a softmax follows them, and maps explain them as they are. If the model was trained to be read in another way (as "
    "evidence, as counts, as independent labels), the probabilities and what is explained are not those of its training"
)


def tell(name: str, activation: str | None) -> None:
    """Log that the scores of a layer get a softmax.

    Args:
        name: of the layer.
        activation: that limits its scores, such as relu, softplus or tanh; None for scores that can be any number.
    """
    if activation is None:
        logger.info('the scores of "%s" are taken for logits: a softmax follows them', name)
        return
    logger.warning(
        'the scores of "%s" end in the activation %s, which logits rarely do. They are taken for logits: %s.',
        *(name, activation, _DOUBT),
    )


def tell_of_answers(answers: NDArray[np.float64]) -> None:
    """Warn where all answers (N, classes) of an opaque model are as behind an activation that limits scores."""
    low, high = float(answers.min()), float(answers.max())
    if low >= 0:
        found = "never negative, as behind a ReLU or a softplus"
    elif low >= -1 and high <= 1:
        found = "always from -1 to 1, as behind a tanh"
    else:
        return
    logger.warning("its scores are %s, which logits rarely are. They are taken for logits: %s.", found, _DOUBT)
