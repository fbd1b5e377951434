"""Agreement with Quantus on the same maps, and on the same removed values.

It is found where its package, or the unpacked wheel, lies on the path; that Keras must be below 3 holds for its wrappers
of TensorFlow models alone, which nothing here uses.
"""

import contextlib

import numpy as np
import pytest

from pellucid.score import (
    consistency,
    efficient_mprt,
    faithfulness_correlation,
    form,
    irof,
    localisation,
    region_perturbation,
    relative_stability,
)
from pellucid.score.base import Explanation, ScoreContext
from pellucid.score.shared.imputation import imputed
from pellucid.score.shared.removal import subsets
from pellucid.score.shared.units import units
from tests.support import stand_ins
from tests.support.absent import absent
from tests.support.explained import case_of
from tests.support.score_evidence import explanation, linear_case, patchwork, with_training

# Quantus imports zennit where it is installed, and zennit torchvision: without stand-ins every test here was skipped.
with contextlib.suppress(ImportError):
    import torch  # noqa: F401, before the stand-ins: PyTorch cannot be imported twice

    stand_ins.imported("zennit.composites")
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


class Told:
    """Predicts the classes that it was told, for both packages."""

    def __init__(self, classes):
        self.scores = np.eye(3)[classes]

    def logits(self, x):
        return self.scores

    predict = logits

    def shape_input(self, x, shape, **_):
        return x


@pytest.mark.slow
@pytest.mark.parametrize("top", [1, 4])
def test_consistency_of_the_same_cells(rng, top):
    """With all four values it is their comparison by signs; with the strongest alone they are told which it is."""
    maps = rng.choice([-2, -1, 1, 2], size=(40, 4, 1)).astype(np.float32) * (1 + 0.1 * np.arange(4)[:, np.newaxis])
    maps[:3] = 0
    predictions, x = rng.integers(3, size=40), np.zeros((40, 4, 1), np.float32)
    case = ScoreContext({"classes": ["a", "b", "c"]}, x, predictions, predictions, model=Told(predictions))
    found = consistency.score(Explanation("map", "map", maps), case, rng, parts=4, top=top).values["consistency"]

    def strongest(one):
        place = int(np.abs(one).argmax())
        return float((place + 1) * np.sign(one[place]))

    sign = (
        quantus.discretise_func.sign if hasattr(quantus, "discretise_func") else quantus.functions.discretise_func.sign
    )
    metric = quantus.Consistency(discretise_func=sign if top == 4 else strongest, disable_warnings=True)
    given = metric.custom_batch_preprocess(model=Told(predictions), x_batch=x, a_batch=maps)
    theirs = np.asarray(metric.evaluate_batch(a_batch=maps, **given))
    # Theirs is 0 for a map that stands alone, and compares maps of zeros; ours is not defined for either.
    labels = given["a_label_batch"]
    alone = (labels == labels[:, np.newaxis]).sum(1) == 1
    assert np.isnan(found[:3]).all()
    assert np.isnan(found[alone]).all()
    assert (theirs[alone] == 0).all()
    judged = ~alone & (np.arange(40) >= 3)
    assert judged.sum() > 20
    np.testing.assert_allclose(found[judged], theirs[judged], atol=1e-6)


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


class Probabilities:
    """What metrics ask of a model, channels first."""

    def __init__(self, model):
        self.model = model

    def shape_input(self, x, shape, **_):
        return x.reshape(shape)

    def predict(self, x):
        return self.model.probabilities(np.moveaxis(np.asarray(x, np.float32), 1, -1))


def first(values):
    """Channels first."""
    return np.moveaxis(values, -1, 1)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_noisy_linear_imputation(share):
    rng = np.random.default_rng(3)
    image, gone = rng.normal(size=(9, 8, 3)).astype(np.float32), rng.random((9, 8)) < share
    indices = np.flatnonzero(gone)
    theirs = quantus.perturb_func.noisy_linear_imputation(np.moveaxis(image, -1, 0), indices, noise=0.0)
    np.testing.assert_allclose(imputed(image, gone, ~gone), np.moveaxis(theirs, 0, -1), atol=1e-4)


def test_road_of_quantus_takes_values_of_one_channel_for_pixels():
    """Its ROAD ranks all values, and passes the ranks of other channels than the first to an imputation of pixels.

    So that it fails for images of several channels: ours is held against its imputation alone.
    """
    rng = np.random.default_rng(3)
    x, maps = rng.normal(size=(2, 3, 8, 8)), rng.normal(size=(2, 3, 8, 8))
    metric = quantus.ROAD(noise=0.01, percentages=[50], disable_warnings=True)
    metric.a_size = maps[0].size
    with pytest.raises(IndexError):
        metric.evaluate_batch(model=None, x_batch=x, y_batch=np.zeros(2, int), a_batch=maps)


def test_irof_on_the_same_segments(gap_image, monkeypatch):
    inputs = patchwork(3, 9, 8)
    maps = np.random.default_rng(1).normal(size=inputs.shape).astype(np.float32)
    # It gives credit where the probability rises: for this class it never does.
    curves = {}
    for target in range(4):
        case = with_training(case_of(gap_image, inputs, targets=np.full(3, target)))
        curves[target] = irof.score(explanation(maps), case, np.random.default_rng(7)).curves["removed.mean"].y
    labels = units(inputs, unit="superpixel", window="auto", channels="together")[..., 0]
    # Its baseline "mean" is that of all channels together: it gets the mean of each channel, as the paper's mean colour.
    colour = first(np.broadcast_to(inputs.mean((1, 2), keepdims=True), inputs.shape))
    metric = quantus.IROF(
        perturb_func=lambda arr, mask, **_: np.where(mask, colour[: len(arr)], arr), return_aggregate=False,
        disable_warnings=True,
    )  # fmt: skip
    for row in range(3):
        number = labels[row].max() + 1
        target = min(curves, key=lambda one, row=row, number=number: curves[one][row, 1 : number + 1].max())
        assert curves[target][row, 1 : number + 1].max() < 1
        segments = quantus.helpers.utils
        monkeypatch.setattr(segments, "get_superpixel_segments", lambda *_, row=row, **__: labels[row])
        colour = first(np.broadcast_to(inputs[row : row + 1].mean((1, 2), keepdims=True), (1, *inputs.shape[1:])))
        area = metric.evaluate_batch(
            model=Probabilities(case.model),
            x_batch=first(inputs[row : row + 1]),
            y_batch=np.array([target]),
            a_batch=first(maps[row : row + 1]),
        )[0]
        # It leaves out the point of the whole input, so that its area starts after the first segment.
        ours = curves[target][row, 1 : number + 1]
        assert area == pytest.approx(number - ((ours[1:] + ours[:-1]) / 2).sum(), abs=1e-3)


@pytest.mark.parametrize("order", ["morf", "lerf"])
def test_region_perturbation_on_the_same_regions(gap_image, order):
    inputs = np.random.default_rng(2).random((3, 8, 8, 3), np.float32)
    import keras

    from pellucid.models.gap_cnn import build

    keras.utils.set_random_seed(9)
    case = with_training(case_of(build((8, 8, 3), 4, filters=[6, 5], kernels=[3, 3]), inputs))
    maps = np.random.default_rng(1).normal(size=inputs.shape).astype(np.float32)
    found = region_perturbation.score(
        explanation(maps), case, np.random.default_rng(7), window=4, share=1, baselines=["zero"]
    )
    metric = quantus.RegionPerturbation(
        patch_size=4, regions_evaluation=4, order=order, perturb_baseline=0.0, normalise=False, disable_warnings=True
    )
    theirs = metric.evaluate_batch(
        model=Probabilities(case.model), x_batch=first(inputs), y_batch=case.targets, a_batch=first(maps)
    )
    curve = found.curves["most first.zero" if order == "morf" else "least first.zero"].y
    np.testing.assert_allclose(curve[:, :1] - curve[:, 1:], theirs, atol=1e-5)


def test_relative_stability_of_the_same_copies(linear):
    case, weights = linear_case(linear)
    maps = (weights * case.inputs).astype(np.float32)
    seen = []

    def again(inputs, targets, **_):
        rows = np.tile(np.arange(len(case.inputs)), len(inputs) // len(case.inputs))
        seen.append(np.asarray(inputs, np.float64))
        return (weights[rows] * np.tanh(inputs)).astype(np.float32)

    found = relative_stability.score(
        explanation(maps, re_explain=again), case, np.random.default_rng(7), samples=1, floor=1e-6, examples="all"
    ).values
    near, near_maps = seen[0], weights * np.tanh(seen[0])
    same = case.model.logits(near).argmax(1) == case.model.logits(case.inputs).argmax(1)
    assert same.sum() >= 3
    x, logits = case.inputs.astype(np.float64), case.model.logits(case.inputs).astype(np.float64)
    theirs = {
        "relative_input_stability": quantus.RelativeInputStability(
            disable_warnings=True
        ).relative_input_stability_objective(x, near, maps.astype(np.float64), near_maps),
        "relative_output_stability": quantus.RelativeOutputStability(
            disable_warnings=True
        ).relative_output_stability_objective(
            logits, case.model.logits(near).astype(np.float64), maps.astype(np.float64), near_maps
        ),
        "relative_representation_stability": quantus.RelativeRepresentationStability(
            disable_warnings=True
        ).relative_representation_stability_objective(
            x.reshape(len(x), -1), near.reshape(len(x), -1), maps.astype(np.float64), near_maps
        ),
    }
    # One copy with another answer makes Quantus' maximum NaN; ours is over the copies that are left.
    for name, values in theirs.items():
        np.testing.assert_allclose(10 ** found[name][same] - 1, values[same], rtol=2e-3, err_msg=name)
        assert np.isnan(found[name][~same]).all()


def test_entropy_of_the_histogram_of_efficient_mprt(maps):
    """With a number of bins: its rules take the number of axes (`ndim`) for that of values, and give too few bins."""
    attributions, _ = maps
    theirs = [
        quantus.complexity_func.discrete_entropy(one.astype(np.float64), np.zeros(1), n_bins=30) for one in attributions
    ]
    np.testing.assert_allclose(efficient_mprt.entropies(attributions, 30), theirs, rtol=1e-9)
    by_numpy = len(np.histogram_bin_edges(attributions[0], "scott")) - 1
    assert quantus.functions.n_bins_func.scotts_rule(attributions[:1]) < by_numpy / 2
