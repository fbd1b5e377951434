"""Compute the learning rate of every step and the end of the training from the step and the history alone.

Without a state, a training that was killed and goes on takes the same steps as one that was not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pellucid.config.training_keys import TrainingSettings

History = Sequence[Mapping[str, float]]


def learning_rate(training: TrainingSettings, step: int, steps: int, history: History) -> float:
    """Return the learning rate of a step.

    Args:
        training: the experiment's `training` entry, complete.
        step: from 0, over all epochs.
        steps: number of steps of an epoch.
        history: scores of the epochs before this step.
    """
    plateau = training.reduce_on_plateau
    rate = training.learning_rate * schedule_factor(training, step, steps)
    return float(rate * plateau.factor ** plateau_reductions(history, training.monitor, plateau.patience))


def schedule_factor(training: TrainingSettings, step: int, steps: int) -> float:
    """Return the factor of the full learning rate at a step: linear warm-up, then the schedule that is named.

    Source: warm-up: Goyal et al. 2017, arXiv:1706.02677, section 2.2. cosine: Loshchilov & Hutter 2017,
    arXiv:1608.03983, equation 5 without restarts, from the end of the warm-up to the end of the last epoch.
    """
    warmup = training.warmup_epochs * steps
    if step < warmup:
        return float((step + 1) / warmup)
    if training.schedule == "cosine":
        return (1 + math.cos(math.pi * (step - warmup) / (training.epochs * steps - warmup))) / 2
    if training.schedule == "step":
        return float(training.step.factor ** (step // steps // training.step.epochs))
    return 1.0


def plateau_reductions(history: History, monitor: str, patience: int) -> int:
    """Count how often `patience` epochs passed without a new best score since the last best score or reduction."""
    if not patience:
        return 0
    count, waited, best = 0, 0, -math.inf
    for value in scores(history, monitor):
        waited = 0 if value > best else waited + 1
        best = max(best, value)
        if waited == patience:
            count, waited = count + 1, 0
    return count


def should_stop(history: History, monitor: str, patience: int) -> bool:
    """Return whether the last `patience` epochs brought no new best score."""
    values = scores(history, monitor)
    return bool(patience) and len(values) > patience and len(values) - 1 - values.index(max(values)) >= patience


def scores(history: History, monitor: str) -> list[float]:
    """Return the monitored score of every epoch, with the sign of losses and errors changed: higher is better."""
    sign = -1 if monitor.endswith(("loss", "mae")) else 1
    return [sign * epoch[monitor] for epoch in history]
