"""Infidelity: 0 for what values have added to a linear model, and captum's figures on the same weights."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.score.infidelity import optimally_scaled, score
from pellucid.score.shared import fills
from pellucid.score.shared.removal import subsets
from pellucid.score.shared.units import units
from tests.support.explained import case_of
from tests.support.score_evidence import explanation, linear_case


def rng():
    return np.random.default_rng(7)


def streams():
    """What `score` draws from `rng()`."""
    return dict(zip(("noise", "subset", *fills.FIXED), rng().spawn(6), strict=True))


@pytest.mark.parametrize("unit", ["value", "sample", "window"])
@pytest.mark.parametrize("baseline", fills.FIXED)
@pytest.mark.parametrize("is_gradient", [False, True])
def test_is_0_for_a_linear_model_explained_by_what_was_added_or_by_its_gradient(linear, unit, baseline, is_gradient):
    case, weights = linear_case(linear)
    way = case.inputs - fills.filling(case, baseline, streams()[baseline])
    maps = explanation(weights if is_gradient else weights * way, is_gradient=is_gradient)
    found = score(maps, case, rng(), unit=unit, window=3, baselines=[baseline]).values
    assert len(found) == 4
    for values in found.values():
        np.testing.assert_allclose(values, 0, atol=1e-9)
    wrong = replace(maps, attributions=maps.attributions[..., ::-1])
    for values in score(wrong, case, rng(), unit="value", baselines=[baseline]).values.values():
        assert values.min() > 1e-3


def test_scale_rules_infidelity_but_not_the_scaled_one(linear):
    case, _ = linear_case(linear)
    maps = np.random.default_rng(1).normal(size=case.inputs.shape)
    one, ten = (score(explanation(factor * maps), case, rng()).values for factor in (1, 10))
    for kind in ("subset", "noise"):
        name = f"infidelity_scaled.{kind}.zero"
        np.testing.assert_allclose(one[name], ten[name], atol=1e-6)
        assert (ten[f"infidelity.{kind}.zero"] > 20 * one[f"infidelity.{kind}.zero"]).all()


def test_a_map_of_zeros_or_of_the_opposite_gets_1(linear):
    case, weights = linear_case(linear)
    for maps in (np.zeros(case.inputs.shape), -case.inputs * weights):
        found = score(explanation(maps), case, rng(), baselines=["zero"]).values
        np.testing.assert_allclose(found["infidelity_scaled.subset.zero"], 1, atol=1e-9)
        np.testing.assert_allclose(found["infidelity_scaled.noise.zero"], 1, atol=1e-9)


def test_a_random_map_is_near_1(linear):
    """For changes that it has nothing to do with: (1 - cos²) is 1 less the chance cosine."""
    case, _ = linear_case(linear, number=200)
    maps = np.random.default_rng(1).normal(size=case.inputs.shape)
    found = score(explanation(maps), case, rng(), unit="value", perturbations=["noise"], baselines=["zero"], runs=400)
    values = found.values["infidelity_scaled.noise.zero"]
    # The angle of two random maps of 36 values: cos² is 1/36 on average, and only angles below 90° are used.
    assert values.mean() == pytest.approx(1 - 1 / 72, abs=0.01)


def test_the_best_factor_is_that_of_least_squares():
    draw = np.random.default_rng(0)
    said = draw.normal(size=(50, 4))
    changes = 0.7 * said + draw.normal(size=(50, 4))
    found = optimally_scaled(said, changes)
    for row in range(4):
        (beta,), (residual,), *_ = np.linalg.lstsq(said[:, row : row + 1], changes[:, row], rcond=None)
        assert beta > 0
        assert found[row] == pytest.approx(residual / (changes[:, row] ** 2).sum())


def test_an_example_that_never_changes_is_left_out_of_the_scaled_one(heartbeat):
    inputs = rng().random((3, 186, 1), np.float32)
    inputs[1] = 0.4  # its own mean
    case, maps = case_of(heartbeat, inputs), rng().normal(size=inputs.shape)
    found = score(explanation(maps), case, rng(), baselines=["mean"], runs=20).values
    assert np.isfinite(found["infidelity_scaled.subset.mean"]).tolist() == [True, False, True]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["subset", "noise"])
@pytest.mark.parametrize("is_gradient", [False, True])
@pytest.mark.parametrize("channels", ["together", "each"])
def test_is_captums_on_the_same_weights_and_perturbations(multivariate, kind, is_gradient, channels):
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("captum.metrics")
    from tests.support.torch_copy import channels_first, torch_copy

    inputs, maps = (np.random.default_rng(seed).normal(size=(3, 100, 6)).astype(np.float32) for seed in (3, 4))
    case, runs = case_of(multivariate, inputs), 15
    options = {"unit": "window", "window": 7, "channels": channels}
    labels, stream = units(inputs, **options), streams()[kind]
    if kind == "subset":
        shares = subsets(labels, runs, 0.2, stream)[0].astype(np.float32)
    else:
        number = labels.max() + 1
        shares = np.stack([0.2 * one.standard_normal(number, np.float32) for one in stream.spawn(runs)])
    masks = np.broadcast_to(shares[:, labels[0]], (runs, 100, 6))
    moved = [case.model.score(inputs * (1 - mask), case.targets) for mask in masks]
    changes = case.model.score(inputs, case.targets) - np.stack(moved)
    # captum takes the best factor of any sign: maps whose best factor is above 0 are the same to both.
    said = np.einsum("ktc,ntc->kn", masks, maps * inputs if is_gradient else maps)
    maps *= np.sign((said * changes).sum(0)).astype(np.float32).reshape(-1, 1, 1)
    found = score(
        explanation(maps, is_gradient=is_gradient),
        case,
        rng(),
        runs=runs,
        perturbations=[kind],
        baselines=["zero"],
        **options,
    ).values

    def perturb(x):
        # captum repeats each example `runs` times in a row.
        mask = channels_first(np.concatenate([masks] * 3))
        return (mask * x if is_gradient else mask), x - mask * x

    def captum(normalize):
        values = metrics.infidelity(
            torch_copy(multivariate),
            perturb,
            channels_first(inputs),
            channels_first(maps),
            target=torch.from_numpy(case.targets),
            n_perturb_samples=runs,
            normalize=normalize,
        )
        return values.detach().numpy()

    np.testing.assert_allclose(found[f"infidelity.{kind}.zero"], captum(False), rtol=1e-3)
    scaled = found[f"infidelity_scaled.{kind}.zero"] * np.square(changes).mean(0)
    np.testing.assert_allclose(scaled, captum(True), rtol=1e-3)


def test_the_model_is_asked_once_for_all_explanations(linear):
    case, weights = linear_case(linear)
    exact = explanation(case.inputs * weights)
    first = score(exact, case, rng()).values
    passes = case.model.forward_passes
    score(explanation(weights, is_gradient=True), case, rng())
    second = score(exact, case, rng()).values
    assert case.model.forward_passes == passes
    for name, found in first.items():
        np.testing.assert_array_equal(second[name], found)


def test_order_and_size_of_batches_do_not_matter(linear):
    (whole, _weights), (small, _) = linear_case(linear), linear_case(linear, batch_size=3)
    maps = np.random.default_rng(1).normal(size=whole.inputs.shape)
    back = replace(small, inputs=small.inputs[::-1], targets=small.targets[::-1])
    options = {"baselines": list(fills.FIXED)}
    one = score(explanation(maps), whole, rng(), **options)
    other = score(explanation(maps[::-1]), back, rng(), **options)
    for name, found in one.values.items():
        np.testing.assert_allclose(other.values[name][::-1], found, rtol=1e-3, atol=1e-5)
