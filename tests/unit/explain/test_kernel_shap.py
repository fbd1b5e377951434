"""Kernel SHAP against Shapley's own formula, a linear model, shap and captum."""

import itertools
import math

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.explain.kernel_shap import check, draw, explain, reference, solve
from pellucid.explain.shared import baselines
from pellucid.explain.shared.segments import segmentation
from pellucid.network.explained_model import ExplainedModel


def shapley(game, number):
    """Shapley's formula: the mean gain of a player over all orders in which players may come."""
    value = {}
    for size in range(number + 1):
        for members in itertools.combinations(range(number), size):
            keep = np.zeros(number, bool)
            keep[list(members)] = True
            value[frozenset(members)] = game(keep[np.newaxis])[0]
    found = np.zeros(number)
    for player in range(number):
        others = [other for other in range(number) if other != player]
        for size in range(number):
            weight = math.factorial(size) * math.factorial(number - size - 1) / math.factorial(number)
            for members in itertools.combinations(others, size):
                found[player] += weight * (value[frozenset((*members, player))] - value[frozenset(members)])
    return found


def game_of(model, one, target, labels):
    """The logit of one example with only the kept segments: the same question, asked in another way."""

    def game(keep):
        mixed = np.stack([one * np.isin(labels, np.flatnonzero(row)) for row in np.atleast_2d(keep)])
        return model.logits(mixed.astype(np.float32))[:, target].astype(float)

    return game


def interacting(number, orders, rng):
    """A game whose terms each need some players, and its Shapley values: each term in equal parts to its players."""
    terms = [
        (list(members), rng.normal()) for size in orders for members in itertools.combinations(range(number), size)
    ]
    values = np.zeros(number)
    for members, gain in terms:
        values[members] += gain / len(members)
    return lambda keep: sum(gain * keep[:, members].all(1) for members, gain in terms), values


def estimate(game, number, samples, rng):
    keep, weights = draw(number, samples, rng)
    assert len(keep) <= samples
    empty, full = (game(np.full((1, number), held))[0] for held in (False, True))
    return solve(keep, weights, game(keep)[:, np.newaxis] - empty, np.array([full - empty]))[0]


@pytest.mark.parametrize("channels", ["each", "together"])
@pytest.mark.parametrize("samples", ["auto", 40])
def test_of_a_linear_model_it_is_the_weight_times_the_distance_to_the_baseline(linear, rng, channels, samples):
    # Exact with all coalitions, and with any number of them that makes the regression solvable.
    model, weights, _ = linear
    inputs, targets = rng.normal(size=(4, 12, 3)).astype(np.float32), np.arange(4)
    settings = {"segments": 4, "channels": channels, "baseline": "noise", "samples": samples}
    found = explain(ExplainedModel(model), inputs, targets, np.random.default_rng(3), **settings)
    away = inputs - baselines.baseline(inputs, "noise", np.random.default_rng(3))
    product = away * np.moveaxis(weights[..., targets], -1, 0)
    labels = segmentation(inputs, segments=4, channels=channels)[0]
    for one, expected in zip(found, product, strict=True):
        means = np.bincount(labels.ravel(), expected.ravel()) / np.bincount(labels.ravel())
        np.testing.assert_allclose(one, means[labels], atol=1e-5)


@pytest.mark.parametrize(
    "cut",
    [{"segments": 7}, {"segments": 7, "partition": "change_points"}, {"partition": "windows", "window": 30}],
    ids=["grid", "change_points", "windows"],
)
def test_all_coalitions_give_shapleys_formula(heartbeat, rng, cut):
    model = ExplainedModel(heartbeat)
    inputs, targets = rng.random((2, 186, 1), np.float32), np.array([0, 3])
    labels = np.broadcast_to(segmentation(inputs, **cut), inputs.shape)
    found = explain(model, inputs, targets, rng, **cut)
    for one, target, ours, segments in zip(inputs, targets, found, labels, strict=True):
        expected = shapley(game_of(model, one, target, segments), 7)
        sums = np.bincount(segments.ravel(), ours.ravel())
        np.testing.assert_allclose(sums, expected, atol=1e-5 * np.abs(expected).max() + 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("network", "segments"), [("heartbeat", 8), ("digit", 9)])
def test_agrees_with_shap_on_all_coalitions(request, network, segments, rng):
    shap = pytest.importorskip("shap", reason="the peer is optional")

    model = request.getfixturevalue(network)
    explained_model = ExplainedModel(model)
    inputs, targets = rng.random((3, *model.input_shape[1:]), np.float32), np.arange(3)
    labels = segmentation(inputs, segments=segments)[0]
    number = labels.max() + 1
    found = explain(explained_model, inputs, targets, rng, segments=segments)
    for one, target, ours in zip(inputs, targets, found, strict=True):
        peer = shap.KernelExplainer(game_of(explained_model, one, target, labels), np.zeros((1, number)))
        theirs = peer.shap_values(np.ones((1, number)), nsamples=2**number, l1_reg=False, silent=True)[0]
        sums = np.bincount(labels.ravel(), ours.ravel())
        np.testing.assert_allclose(sums, theirs, atol=1e-4 * np.abs(theirs).max())


@pytest.mark.slow
def test_drawn_coalitions_come_closer_than_shaps():
    """Mean squared error on games with known values, at 300 coalitions each: a third less than shap's on the whole."""
    shap = pytest.importorskip("shap", reason="the peer is optional")

    ratios, samples = [], 300
    for number in (12, 13, 16, 20):
        ours, theirs = [], []
        for seed in range(15):
            game, expected = interacting(number, (1, 2, 3), np.random.default_rng(seed))
            values = estimate(game, number, samples, np.random.default_rng(seed))
            np.random.seed(seed)  # noqa: NPY002 - shap draws from numpy's global generator
            peer = shap.KernelExplainer(lambda z, game=game: game(z.astype(bool)), np.zeros((1, number)))
            found = peer.shap_values(np.ones((1, number)), nsamples=samples, l1_reg=False, silent=True)[0]
            ours.append(np.square(values - expected).mean())
            theirs.append(np.square(found - expected).mean())
        ratios.append(np.mean(ours) / np.mean(theirs))
    assert np.exp(np.mean(np.log(ratios))) < 0.85


def test_pairs_make_it_exact_where_no_more_than_two_segments_interact(rng):
    game, expected = interacting(15, (1, 2), rng)
    np.testing.assert_allclose(estimate(game, 15, 100, rng), expected, atol=1e-10)


@pytest.mark.slow
def test_shaps_default_drops_all_but_ten_segments_and_this_does_not(linear, rng):
    shap = pytest.importorskip("shap", reason="the peer is optional")

    model, weights, _ = linear
    one, target = rng.normal(size=(1, 12, 3)).astype(np.float32), np.array([1])
    expected = (one[0] * weights[..., 1]).sum(1)
    explained_model, labels = ExplainedModel(model), segmentation(one, segments=12, channels="together")[0]
    peer = shap.KernelExplainer(game_of(explained_model, one[0], 1, labels), np.zeros((1, 12)))
    theirs = peer.shap_values(np.ones((1, 12)), nsamples=500, silent=True)[0]
    assert np.abs(expected).min() > 1e-3
    assert (theirs == 0).sum() >= 2
    ours = explain(explained_model, one, target, rng, segments=12, channels="together", samples=500)[0].sum(1)
    np.testing.assert_allclose(ours, expected, atol=1e-5)


@pytest.mark.slow
def test_captum_agrees_within_its_sampling_error(heartbeat, rng):
    torch = pytest.importorskip("torch", reason="the peer is optional")
    captum = pytest.importorskip("captum.attr", reason="the peer is optional")
    model = ExplainedModel(heartbeat)
    inputs, targets = rng.random((1, 186, 1), np.float32), np.array([2])
    labels = segmentation(inputs, segments=6)
    found = np.bincount(labels.ravel(), explain(model, inputs, targets, rng, segments=6).ravel())
    torch.manual_seed(0)
    peer = captum.KernelShap(lambda x: torch.tensor(model.logits(x.numpy())))
    theirs = peer.attribute(
        torch.tensor(inputs),
        target=2,
        feature_mask=torch.tensor(labels.astype(np.int64)),
        n_samples=2000,
        perturbations_per_eval=500,
    ).numpy()
    sums = np.array([theirs[labels == label][0] for label in range(6)])
    np.testing.assert_allclose(found, sums, atol=0.1 * np.abs(found).max())


@pytest.mark.parametrize("most", [300, 5000])
@pytest.mark.parametrize("number", [2, 3, 11, 12, 30])
def test_coalitions_differ_and_come_with_their_complements(number, most, rng):
    keep, weights = draw(number, most, rng)
    rows = {row.tobytes(): weight for row, weight in zip(keep, weights, strict=True)}
    assert len(rows) == len(keep) <= most
    assert np.isclose(weights.sum(), 1)
    assert not (keep.all(1) | ~keep.any(1)).any()
    for row, weight in zip(keep, weights, strict=True):
        assert rows[(~row).tobytes()] == weight
    if 2**number - 2 <= most:
        assert len(keep) == 2**number - 2
    # The weight of a size is that of theorem 2, drawn or not.
    sizes = np.arange(1, number)
    expected = 1 / (sizes * (number - sizes))
    found = np.bincount(keep.sum(1), weights, minlength=number)[1:]
    np.testing.assert_allclose(found, expected / expected.sum(), atol=0.02 if len(keep) < 2**number - 2 else 1e-12)


def test_one_segment_gets_the_whole_change(digit, rng):
    keep, weights = draw(1, 10, rng)
    assert keep.shape == (0, 1)
    np.testing.assert_allclose(solve(keep, weights, np.zeros((0, 2)), np.array([3.0, -1.0])), [[3], [-1]])


@pytest.mark.parametrize("baseline", ["zero", "mean", "noise", "shuffled"])
def test_values_sum_to_the_change_of_the_logit(multivariate, rng, baseline):
    model = ExplainedModel(multivariate)
    inputs, targets = rng.random((3, 100, 6), np.float32), np.arange(3)
    found = explain(model, inputs, targets, np.random.default_rng(2), baseline=baseline, samples=200)
    start = reference(inputs, np.random.default_rng(2), baseline=baseline, samples=200)
    change = model.score(inputs, targets) - model.score(start, targets)
    np.testing.assert_allclose(found.sum((1, 2), dtype=float), change, atol=1e-5)


@pytest.mark.parametrize("baseline", ["zero", "mean"])
def test_measured_samples_share_a_segment_that_reaches_into_padding(heartbeat, rng, baseline):
    model = ExplainedModel(heartbeat)
    inputs = rng.random((4, 186, 1), np.float32)
    measured = np.ones(inputs.shape, bool)
    for example, end in zip(range(4), (60, 101, 150, 170), strict=True):
        measured[example, end:], inputs[example, end:] = False, 0.3
    targets = np.arange(4)
    found = explain(
        model, inputs, targets, rng, samples="auto", segments=8, channels="each", baseline=baseline, measured=measured
    )
    filled = baselines.baseline(inputs, baseline, rng, measured)
    change = model.score(inputs, targets) - model.score(filled, targets)
    np.testing.assert_allclose(found.sum((1, 2)), change, atol=1e-4)
    assert not found[~measured].any()


def test_superpixels_with_different_numbers_of_segments_go_together(digit, rng):
    inputs = np.concatenate([rng.random((2, 8, 8, 1), np.float32), np.zeros((1, 8, 8, 1), np.float32)])
    inputs[2, :4] = 1
    targets, model = np.array([1, 2, 3]), ExplainedModel(digit)
    settings = {"samples": 100, "partition": "superpixels", "segments": 12}
    found = explain(model, inputs, targets, np.random.default_rng(1), **settings)
    change = model.score(inputs, targets) - model.score(np.zeros_like(inputs), targets)
    np.testing.assert_allclose(found.sum((1, 2, 3), dtype=float), change, atol=1e-5)
    for index in range(3):
        alone = explain(model, inputs[[index]], targets[[index]], np.random.default_rng(1), **settings)
        np.testing.assert_allclose(alone[0], found[index], atol=1e-4 * np.abs(found).max())


def test_too_few_samples_are_refused(heartbeat, rng):
    with pytest.raises(InputError, match="kernel_shap.samples: found 39 for 20 segments; expected at least 40"):
        check(samples=39, segments=20, partition="grid")
    check(samples=40, segments=20, partition="grid")
    check(samples=6, segments=3, partition="grid")
    with pytest.raises(InputError, match="kernel_shap.samples: found 20 for 12 segments; expected at least 24"):
        explain(ExplainedModel(heartbeat), rng.random((1, 186, 1), np.float32), np.array([0]), rng, samples=20)
