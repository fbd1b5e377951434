"""What tf-keras-vis does with the networks of this project, which are Sequential."""

import numpy as np
import pytest

from pellucid.explain import saliency
from pellucid.network.explained_model import ExplainedModel


def test_a_sequential_network_is_refused_there_and_explained_here(keras, heartbeat, rng):
    visualiser = pytest.importorskip("tf_keras_vis.saliency", reason="tf-keras-vis is a peer")
    from tf_keras_vis.utils.model_modifiers import ReplaceToLinear
    from tf_keras_vis.utils.scores import CategoricalScore

    inputs, targets = rng.random((3, 186, 1), np.float32), np.arange(3)
    with pytest.raises(AttributeError, match="output_names"):
        visualiser.Saliency(heartbeat, model_modifier=ReplaceToLinear(), clone=True)
    functional = keras.Model(heartbeat.inputs, heartbeat.outputs)
    peer = visualiser.Saliency(functional, model_modifier=ReplaceToLinear(), clone=True)
    theirs = peer(CategoricalScore(targets.tolist()), inputs, keepdims=True, normalize_map=False)
    ours = saliency.explain(ExplainedModel(heartbeat), inputs, targets, rng)
    np.testing.assert_allclose(ours, theirs, atol=1e-5 * np.abs(theirs).max())


def test_without_its_modifier_it_explains_probabilities(keras, linear, rng):
    """The gradient of a probability vanishes where the network is sure; that of the logit is the weight everywhere."""
    visualiser = pytest.importorskip("tf_keras_vis.saliency", reason="tf-keras-vis is a peer")
    from tf_keras_vis.utils.scores import CategoricalScore

    model, weights, _ = linear
    # Far along the difference of two columns the first of them is certain.
    sure = (200 * (weights[..., 0] - weights.mean(-1)))[np.newaxis].astype(np.float32)
    assert model(sure).numpy()[0, 0] > 0.9999
    peer = visualiser.Saliency(keras.Model(model.inputs, model.outputs), clone=True)
    theirs = peer(CategoricalScore([0]), sure, keepdims=True, normalize_map=False)
    ours = saliency.explain(ExplainedModel(model), sure, np.array([0]), rng)
    np.testing.assert_allclose(ours[0], np.abs(weights[..., 0]), atol=1e-6)
    assert np.abs(theirs).max() < 1e-3 * np.abs(ours).max()
