"""Grad-CAM of an example does not depend on its company, as it does where weights are averaged over the batch."""

import numpy as np

from pellucid.explain import grad_cam
from pellucid.probe import Probe


def test_weights_are_an_examples_own(keras, rng):
    """With maps A_k and a pooled head, example n of class c has the map sum over k of w_kc / T · A_k, in closed form.

    Weights averaged over a batch of two classes would give every example the mean of both classes' weights.
    """
    layers = keras.layers
    keras.utils.set_random_seed(14)
    model = keras.Sequential(
        [layers.Input((30, 2)), layers.Conv1D(6, 5, name="conv"), layers.GlobalAveragePooling1D(), layers.Dense(3)]
    )
    inputs, targets = rng.normal(size=(5, 30, 2)).astype(np.float32), np.array([0, 1, 2, 1, 0])
    probe = Probe(model)
    maps, head = probe.activations(inputs, "conv"), model.layers[-1].kernel.numpy()
    own = np.einsum("ntk,kn->nt", maps, head[:, targets]) / 26
    averaged = np.einsum("ntk,k->nt", maps, head[:, targets].mean(1)) / 26
    found = grad_cam.maps(probe, inputs, targets, "conv")
    np.testing.assert_allclose(found, own, atol=1e-5 * np.abs(own).max())
    assert np.abs(own - averaged).max() > 0.1 * np.abs(own).max()
    one = grad_cam.explain(probe, inputs[3:4], targets[3:4], rng)
    np.testing.assert_allclose(grad_cam.explain(probe, inputs, targets, rng)[3:4], one, atol=1e-6)
