"""Class activation maps by tf-keras-vis, of the logits and at the size of the layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras


def class_activation(
    kind: type[Any], model: keras.Model, inputs: NDArray[np.float32], targets: NDArray[np.int64], layer: str
) -> NDArray[np.float32]:
    """The maps (N, *axes) of `kind` (Gradcam, Layercam, Scorecam, …), neither scaled nor brought to the inputs' size."""
    import keras
    from tf_keras_vis.utils.model_modifiers import ReplaceToLinear
    from tf_keras_vis.utils.scores import CategoricalScore

    # It takes functional models alone.
    peer = kind(keras.Model(model.inputs, model.outputs), model_modifier=ReplaceToLinear(), clone=True)
    found: NDArray[np.float32] = peer(
        CategoricalScore(targets.tolist()),
        inputs,
        penultimate_layer=layer,
        seek_penultimate_conv_layer=False,
        normalize_cam=False,
        expand_cam=False,
    )
    return found
