"""Recipes of `training` by name: a recipe gives other defaults, which the keys beside it override."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pellucid import plugins
from pellucid.config import task as tasks_of
from pellucid.config.plugin_selection import merge
from pellucid.tasks import REGRESSION, SINGLE_LABEL

_FEW_EXAMPLES: dict[str, Any] = {
    "epochs": 60,
    "batch_size": 16,
    "optimizer": "adamw",
    "learning_rate": 0.002,
    "weight_decay": 0.01,
    "schedule": "cosine",
    "warmup_epochs": 2,
    "label_smoothing": 0.1,
}
# By name and kind of data. Shares of what an example itself has, so that they fit data of any size.
RECIPES: dict[str, dict[str, dict[str, Any]]] = {
    "few_examples": {
        "series": {**_FEW_EXAMPLES, "augmentation": {"scale": 0.2, "time_warp": 0.1, "jitter": 0.05}},
        "image": {**_FEW_EXAMPLES, "augmentation": {"jitter": 0.05}},
    }
}


def expand(content: dict[str, Any]) -> None:
    """Replace the recipe that an experiment names, or inherits from `defaults`, by its keys; in place.

    Args:
        content: as the user wrote it, as the schema allows it: before any default is filled in.
    """
    inherited = _as_mapping(content.get("defaults", {}).get("training", {}))
    for entry in content["experiments"].values():
        written = _as_mapping(entry.get("training", {}))
        if (name := written.pop("recipe", None)) is not None:
            entry["training"] = merge(_recipe(name, entry), written)
        elif (name := inherited.get("recipe")) is not None:
            entry["training"] = merge(merge(_recipe(name, entry), _without_recipe(inherited)), written)
    if inherited:
        content["defaults"]["training"] = _without_recipe(inherited)


def _as_mapping(written: Any) -> dict[str, Any]:
    return {"recipe": written} if isinstance(written, str) else dict(written)


def _without_recipe(training: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in training.items() if key != "recipe"}


def _recipe(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a recipe for the kind of an experiment's data; an unknown source is refused later."""
    sources, source = plugins.load("datasets"), entry["dataset"]["source"]
    recipe = RECIPES[name][sources[source].SPEC.kind if source in sources else "series"]
    if source in sources and _task(entry["dataset"], sources[source]) == REGRESSION:
        # Values have no labels to be smoothed.
        return {key: value for key, value in recipe.items() if key != "label_smoothing"}
    return recipe


def _task(dataset: Mapping[str, Any], module: Any) -> str:
    """Return the task of a `dataset` entry that was not checked yet; the usual one where a value of it is wrong."""
    try:
        return str(tasks_of.of({"dataset": {**plugins.defaults(module), **dataset}}))
    except (KeyError, TypeError, ValueError):
        return SINGLE_LABEL
