"""Agreement with Quantus on the same maps, and on the same removed values.

It is found where its package, or the unpacked wheel, lies on the path; that Keras must be below 3 holds for its wrappers
of TensorFlow models alone, which nothing here uses.
"""

import numpy as np
import pytest

from pellucid.score import faithfulness_correlation, form, localisation
from pellucid.score.base import Explanation, ScoreContext
from pellucid.score.shared.removal import subsets
from pellucid.score.shared.units import units
from tests.support.absent import absent
from tests.support.score_evidence import explanation, linear_case

with absent("cv2", "cachetools"):
    quantus = pytest.importorskip("quantus", reason="Quantus is a peer: make peers")


@pytest.fixture
def maps(rng):
    """Attributions of 20 series, and where the evidence lies: some have none in a channel."""
    return rng.normal(size=(20, 30, 2)).astype(np.float32), rng.random((20, 30, 2)) < 0.2


def ours(module, attributions, truth=None):
    zeros = np.zeros(len(attributions), int)
    case = ScoreContext({"kind": "series", "classes": ["a"]}, np.zeros_like(attributions), zeros, zeros, truth)
    return module.score(Explanation("map", "map", attributions), case, np.random.default_rng(0)).values


def flat(values):
    return np.abs(values).reshape(len(values), -1).astype(np.float64)


@pytest.mark.parametrize(
    ("name", "peer"),
    [("relevance_rank", "RelevanceRankAccuracy"), ("relevance_mass", "RelevanceMassAccuracy")],
)
def test_localisation(maps, name, peer):
    attributions, truth = maps
    metric = getattr(quantus, peer)(disable_warnings=True)
    theirs = metric.evaluate_batch(a_batch=flat(attributions), s_batch=truth.reshape(len(truth), -1).astype(int))
    found = ours(localisation, attributions, truth)
    np.testing.assert_allclose(found.get(name, found.get(f"{name}.cells")), theirs, atol=1e-6)


def test_pointing_game(maps):
    attributions, truth = maps
    theirs = quantus.PointingGame(disable_warnings=True).evaluate_batch(
        a_batch=flat(attributions), s_batch=truth.reshape(len(truth), -1)
    )
    found = ours(localisation, attributions, truth)
    np.testing.assert_array_equal(found.get("pointing_game", found.get("pointing_game.cells")), theirs)


def test_sparseness_and_complexity(maps):
    attributions, _ = maps
    found, x = ours(form, attributions), np.zeros((20, 60))
    theirs = quantus.Sparseness(disable_warnings=True).evaluate_batch(x_batch=x, a_batch=flat(attributions))
    np.testing.assert_allclose(found["sparseness"], theirs, atol=1e-5)
    # Theirs is the entropy in nats, ours a share of the largest that there is.
    theirs = quantus.Complexity(disable_warnings=True).evaluate_batch(x_batch=x, a_batch=flat(attributions))
    np.testing.assert_allclose(found["complexity"] * np.log(60), theirs, rtol=1e-5)


def test_faithfulness_correlation_on_the_same_sets_of_values(linear, monkeypatch):
    case, weights = linear_case(linear)
    attributions = np.random.default_rng(1).normal(size=case.inputs.shape) + weights * case.inputs
    options = {"unit": "value", "runs": 40, "share": 0.25, "baselines": ["zero"]}
    found = faithfulness_correlation.score(explanation(attributions), case, np.random.default_rng(7), **options).values

    labels = units(case.inputs, unit="value", window="auto", channels="together")
    (chosen,) = subsets(labels, 40, 0.25, np.random.default_rng(7).spawn(2)[0])
    sets = iter(np.repeat([np.flatnonzero(one) for one in chosen], len(case.inputs), axis=0))
    monkeypatch.setattr(np.random, "choice", lambda *_, **__: next(sets))

    class Model:
        """What the metric asks of a model."""

        def shape_input(self, x, shape, **_):
            return x.reshape(shape)

        def predict(self, x):
            return case.model.logits(np.asarray(x, np.float32))

    # Its "black" is the least value of the input.
    metric = quantus.FaithfulnessCorrelation(
        nr_runs=40, subset_size=9, normalise=False, perturb_baseline=0.0, disable_warnings=True
    )
    theirs = metric.evaluate_batch(
        model=Model(), x_batch=case.inputs, y_batch=case.targets, a_batch=attributions.astype(np.float32)
    )
    np.testing.assert_allclose(found["faithfulness_correlation.zero"], theirs, atol=1e-4)
