"""Saliency against a closed form and against tf-keras-vis."""

import numpy as np
import pytest

from pellucid.explain.saliency import explain
from pellucid.network.explained_model import ExplainedModel


def test_is_the_weight_of_a_linear_model(linear, rng):
    model, weights, _ = linear
    inputs, targets = rng.random((4, 12, 3), np.float32), np.arange(4)
    found = explain(ExplainedModel(model), inputs, targets, rng, mode="signed")
    np.testing.assert_allclose(found, np.moveaxis(weights, -1, 0), atol=1e-6)


def test_modes_are_parts_of_the_signed_gradient(heartbeat, rng):
    inputs, targets = rng.random((3, 186, 1), np.float32), np.array([0, 3, 4])
    signed, absolute, positive = (
        explain(ExplainedModel(heartbeat), inputs, targets, rng, mode=mode)
        for mode in ("signed", "absolute", "positive")
    )
    np.testing.assert_array_equal(absolute, np.abs(signed))
    np.testing.assert_array_equal(positive, np.maximum(signed, 0))


@pytest.mark.parametrize("network", ["heartbeat", "multivariate", "digit"])
def test_agrees_with_tf_keras_vis(keras, request, network, rng):
    from tf_keras_vis.saliency import Saliency
    from tf_keras_vis.utils.model_modifiers import ReplaceToLinear
    from tf_keras_vis.utils.scores import CategoricalScore

    model = request.getfixturevalue(network)
    inputs, targets = rng.random((4, *model.input_shape[1:]), np.float32), np.arange(4)
    # It takes functional models alone.
    peer = Saliency(keras.Model(model.inputs, model.outputs), model_modifier=ReplaceToLinear(), clone=True)
    theirs = peer(CategoricalScore(targets.tolist()), inputs, keepdims=True, normalize_map=False)
    ours = explain(ExplainedModel(model), inputs, targets, rng)
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())
