"""The learning rate of every step and the end of the training, as functions of the step and of the history alone.

Nothing here has a state: a training that was killed and goes on takes the same steps as one that was not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

History = Sequence[Mapping[str, float]]


def learning_rate(training: Mapping[str, Any], step: int, steps: int, history: History) -> float:
    """The learning rate of one step.

    Args:
        training: the experiment's `training` entry, complete.
        step: from 0, over all epochs.
        steps: of an epoch.
        history: of the epochs before this step's.
    """
    plateau = training["reduce_on_plateau"]
    rate = training["learning_rate"] * schedule_factor(training, step, steps)
    return float(rate * plateau["factor"] ** plateau_reductions(history, training["monitor"], plateau["patience"]))


def schedule_factor(training: Mapping[str, Any], step: int, steps: int) -> float:
    """The share of the full learning rate that the schedule gives a step: linear warm-up, then what `schedule` names.

    Source: warm-up: Goyal et al. 2017, arXiv:1706.02677, section 2.2. cosine: Loshchilov & Hutter 2017,
    arXiv:1608.03983, equation 5 without restarts, from the end of the warm-up to the end of the last epoch.
    """
    warmup = training["warmup_epochs"] * steps
    if step < warmup:
        return float((step + 1) / warmup)
    if training["schedule"] == "cosine":
        return (1 + math.cos(math.pi * (step - warmup) / (training["epochs"] * steps - warmup))) / 2
    if training["schedule"] == "step":
        return float(training["step"]["factor"] ** (step // steps // training["step"]["epochs"]))
    return 1.0


def plateau_reductions(history: History, monitor: str, patience: int) -> int:
    """How often the score has gone `patience` epochs without a new best since the last best or the last reduction."""
    if not patience:
        return 0
    found, waited, best = 0, 0, -math.inf
    for value in scores(history, monitor):
        waited = 0 if value > best else waited + 1
        best = max(best, value)
        if waited == patience:
            found, waited = found + 1, 0
    return found


def should_stop(history: History, monitor: str, patience: int) -> bool:
    """Whether the last `patience` epochs brought no new best."""
    values = scores(history, monitor)
    return bool(patience) and len(values) > patience and len(values) - 1 - values.index(max(values)) >= patience


def scores(history: History, monitor: str) -> list[float]:
    """The monitored score of every epoch, turned so that more is better."""
    sign = -1 if monitor.endswith("loss") else 1
    return [sign * epoch[monitor] for epoch in history]
