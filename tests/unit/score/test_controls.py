"""Controls: on a trained network whose evidence was planted, each further score prefers a true map to a random one."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid import plugins
from tests.support.explained import case_of, explanation_of

pytestmark = pytest.mark.slow

# The true map that each score is asked about: what the score's paper has in mind.
GRADIENT, ADDED = "saliency", "integrated_gradients"
ASKED = {
    "road": ADDED,
    "irof": ADDED,
    "region_perturbation": ADDED,
    "degradation": ADDED,
    "sensitivity_n": ADDED,
    "average_drop": ADDED,
    "adcc": ADDED,
    "relative_stability": ADDED,
    "input_invariance": GRADIENT,
    "smooth_mprt": ADDED,
    "efficient_mprt": ADDED,
}


@pytest.fixture(scope="module")
def planted(keras):
    """A network that has learnt where motifs were planted, and 24 new examples that it gets right."""
    from pellucid.datasets import synthetic_series
    from pellucid.models.gap_cnn import build

    raw = synthetic_series.load({}, np.random.default_rng(0), per_class=100).train
    x, y = np.asarray(raw.x, np.float32), np.asarray(raw.y)
    keras.utils.set_random_seed(3)
    model = build(x.shape[1:], 4, filters=[16, 32, 32], pool=4, batch_norm_momentum=0.9)
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[:320], y[:320], epochs=8, batch_size=32, verbose=0)
    right = 320 + np.flatnonzero(model.predict(x[320:], verbose=0).argmax(1) == y[320:])
    assert len(right) > 60
    chosen = np.concatenate([right[y[right] == label][:6] for label in range(4)])
    case = case_of(model, x[chosen], y[chosen])
    return replace(case, training=x[:320], training_labels=y[:320])


@pytest.fixture(scope="module")
def explanations(planted):
    return {name: explanation_of(planted, name) for name in (GRADIENT, ADDED, "random_attribution")}


@pytest.mark.parametrize("name", ASKED)
def test_a_random_map_does_worse_than_a_true_one(planted, explanations, name):
    module = plugins.load("score")[name]
    true, chance = (
        module.score(explanations[method], planted, np.random.default_rng(5)).values
        for method in (ASKED[name], "random_attribution")
    )
    headline = next(iter(module.SPEC.metrics))
    sign = 1 if module.SPEC.metrics[headline].better == "higher" else -1
    of_headline = [metric for metric in true if metric.split(".")[0] == headline]
    assert of_headline
    for metric in of_headline:
        difference = sign * (true[metric] - chance[metric])
        difference = difference[np.isfinite(difference)]
        assert len(difference) >= 8, metric
        assert difference.mean() > 2 * difference.std(ddof=1) / np.sqrt(len(difference)), metric


def test_the_strongest_channel_and_half_of_a_true_map_tell_the_class(planted, explanations):
    """Not pairwise as above: in which examples it has a value depends on the map."""
    module = plugins.load("score")["consistency"]
    gains = {
        name: module.score(explanations[name], planted, np.random.default_rng(5), parts=2).values["consistency_gain"]
        for name in (ADDED, "random_attribution")
    }
    judged = {name: values[np.isfinite(values)] for name, values in gains.items()}
    assert all(len(values) >= 8 for values in judged.values())
    error = np.sqrt(sum(values.var(ddof=1) / len(values) for values in judged.values()))
    assert judged[ADDED].mean() > 0.2
    assert judged[ADDED].mean() - judged["random_attribution"].mean() > 2 * error
