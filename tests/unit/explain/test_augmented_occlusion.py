"""Augmented occlusion against a linear model, and against each covered copy asked one by one."""

from __future__ import annotations

import numpy as np
import pytest

from pellucid.explain.augmented_occlusion import explain
from pellucid.explain.shared import backgrounds
from pellucid.network.explained_model import ExplainedModel


@pytest.mark.parametrize("channels", ["each", "together"])
def test_of_a_linear_model_it_is_the_weight_times_the_distance_to_the_mean(linear, rng, channels):
    model, weights, _ = linear
    inputs, targets = rng.normal(size=(4, 12, 3)).astype(np.float32), np.arange(4)
    training = rng.normal(2, 1, (40, 12, 3)).astype(np.float32)
    settings = {"training": training, "background": 7, "window": 1, "channels": channels}
    found = explain(ExplainedModel(model), inputs, targets, np.random.default_rng(3), **settings)
    mean = backgrounds.drawn(training, 7, np.random.default_rng(3)).mean(0)
    expected = (inputs - mean) * np.moveaxis(weights[..., targets], -1, 0)
    if channels == "together":
        expected = np.broadcast_to(expected.sum(-1, keepdims=True), expected.shape)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_each_window_is_asked_with_each_training_example(heartbeat, rng):
    model = ExplainedModel(heartbeat)
    inputs, targets = rng.random((2, 186, 1), np.float32), np.array([0, 3])
    training = rng.random((3, 186, 1), np.float32)
    measured = np.ones(inputs.shape, bool)
    measured[0, 150:] = False
    settings = {"training": training, "background": 3, "window": 62, "stride": 62, "measured": measured}
    found = explain(model, inputs, targets, rng, **settings)
    for index, target in enumerate(targets):
        whole = model.logits(inputs[[index]])[0, target]
        for start in (0, 62, 124):
            drops = []
            for row in training:
                copy = inputs[[index]].copy()
                here = np.zeros(186, bool)
                here[start : start + 62] = measured[index, start : start + 62, 0]
                copy[0, here] = row[here]
                drops.append(whole - model.logits(copy)[0, target])
            np.testing.assert_allclose(found[index, start : start + 62, 0], np.mean(drops), atol=1e-5)
