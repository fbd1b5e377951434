"""A network without its softmax, made by Keras alone: for peers, which explain what a model's last layer says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def logits_copy(model: keras.Model) -> keras.Model:
    """A functional copy, (N, *input_shape) to (N, classes), of a model whose last layer is dense, with a softmax."""
    import keras

    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    copy.layers[-1].activation = keras.activations.linear
    return keras.Model(copy.inputs[0], copy.outputs[0])
