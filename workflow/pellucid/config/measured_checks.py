"""What is checked of the settings of the measured examples, before any job is planned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid import plugins
from pellucid.config import unlabelled


def faults(experiment: Mapping[str, Any], path: str) -> list[str]:
    """Return what is wrong with the settings of the measured examples."""
    examples, found = experiment["examples"], []
    spec = plugins.spec("datasets", experiment["dataset"]["source"])
    if examples["summarise"] and not unlabelled.is_labelled(experiment):
        found.append(
            f"{path}.examples.summarise: found {examples['summarise']}, and examples without labels; expected 0, since "
            "summaries are made class by class."
        )
    if examples["align"] == "planted" and not spec.truth:
        found.append(
            f'{path}.examples.align: found "planted", and a data source that plants no evidence; expected none.'
        )
    if examples["align"] != "none" and spec.kind != "series":
        found.append(f'{path}.examples.align: found "{examples["align"]}", and images; expected none, or series.')
    return found
