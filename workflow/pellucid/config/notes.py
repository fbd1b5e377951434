"""What is left out or guessed where the configuration does not say it: lines for the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid.config import explain_key, model_classes, unlabelled, unused
from pellucid.config import task as tasks_of
from pellucid.config.studies import Study


def notes(
    entries: Mapping[str, Mapping[str, Any]], chosen: Mapping[str, Study], experiments: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return what is left out or guessed, one line each.

    Args:
        entries: `experiments`, as the user wrote it.
        chosen: the studies that are run, by name.
        experiments: those that are run, complete.
    """
    lines = []
    for name, study in chosen.items():
        lines += explain_key.note(name, entries[name], len(study.members), len(study.explained()))
    for name, experiment in experiments.items():
        lines += _of_experiment(name, experiment)
    return lines


def _of_experiment(name: str, experiment: Mapping[str, Any]) -> list[str]:
    unread = unused.notes(name, experiment["methods"])
    if left_out := unlabelled.notes(name, experiment):
        return left_out + unread
    guess = [model_classes.guess(name, tasks_of.of(experiment))] if model_classes.is_guess(experiment) else []
    return guess + unread
