"""The user's module that goes with a trained model into `training.json`, so that every stage can load the model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pellucid import plugins

if TYPE_CHECKING:
    import keras


def carried_code(model: keras.Model, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return {"code": the user's module}, where the model has layers or functions of the user's own; else {}.

    Args:
        model: that was trained.
        settings: `model` of the experiment.
    """
    from keras import saving

    architecture = plugins.load("models")[settings["architecture"]]
    code = plugins.hook(architecture, "own_code")(**plugins.own_parameters(settings, architecture))
    if code is None:
        return {}
    described = model.to_json()
    foreign = any(json.dumps(name) in described for name in saving.get_custom_objects())
    return {"code": code.stored()} if foreign else {}
