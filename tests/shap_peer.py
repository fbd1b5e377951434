"""What shap's GradientExplainer takes: a functional model of the logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pellucid.probe import Probe

if TYPE_CHECKING:
    import keras


def logits_model(probe: Probe) -> keras.Model:
    """(N, *input_shape) to (N, classes); it shares its weights with the probe's model."""
    import keras

    class Logits(keras.layers.Layer):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return probe._forward(inputs)

    inputs = keras.Input(probe.input_shape)
    return keras.Model(inputs, Logits(name="logits")(inputs))
