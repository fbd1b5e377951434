"""Trying many inputs of a topic."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from tests.fuzz.outcome import Outcome, outcome
from tests.fuzz.topics import number, topic


def run(name: str, total: int) -> list[Outcome]:
    """Try the inputs of a topic that `total` inputs of all topics have; the same ones each time.

    Raises:
        Exception: whatever the first input that is neither read nor plainly refused gave, with that input.
    """
    module = topic(name)
    found: list[Outcome] = []

    @settings(
        max_examples=number(name, total),
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(module.inputs())
    def each(described: object) -> None:
        found.append(outcome(module.use, described))

    each()
    return found
