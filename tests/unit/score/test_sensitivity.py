"""Sensitivity to the input: closed forms, captum's figures on the same weights, and what must not matter."""

import numpy as np
import pytest

from pellucid.network.explained_model import ExplainedModel
from pellucid.score.sensitivity import score
from pellucid.score.shared.ranges import ranges
from tests.support.explained import case_of, explanation_of


def random_inputs(shape, number=4):
    return np.random.default_rng(5).random((number, *shape), np.float32)


def generator():
    return np.random.default_rng(3)


def patterns(shape, samples):
    """The noise that `score` draws from `generator()`."""
    return generator().uniform(-1, 1, (samples, *shape)).astype(np.float32)


def test_the_gradient_of_a_linear_model_never_changes(linear):
    case = case_of(linear[0], random_inputs((12, 3)))
    found = score(explanation_of(case, "saliency"), case, generator(), samples=5)
    assert found.values["max_sensitivity"] == pytest.approx(0, abs=1e-6)
    assert found.values["mean_sensitivity"] == pytest.approx(0, abs=1e-6)


def test_gradient_times_input_of_a_linear_model_changes_as_the_noise_does(linear):
    model, weights, _ = linear
    case = case_of(model, random_inputs((12, 3)))
    noise = 0.1 * ranges(case.inputs) * patterns((12, 3), 6)[:, np.newaxis]
    of_target = np.moveaxis(weights[..., case.targets], -1, 0)
    share = np.linalg.norm((noise * of_target).reshape(6, 4, -1), axis=-1) / np.linalg.norm(
        (case.inputs * of_target).reshape(4, -1), axis=-1
    )
    found = score(explanation_of(case, "gradient_input"), case, generator(), radius=0.1, samples=6)
    np.testing.assert_allclose(found.values["max_sensitivity"], share.max(0), rtol=1e-4)
    np.testing.assert_allclose(found.values["mean_sensitivity"], share.mean(0), rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("network", ["heartbeat", "multivariate", "digit"])
@pytest.mark.parametrize("method", ["saliency", "integrated_gradients"])
def test_agrees_with_captum_on_the_same_weights(request, network, method):
    attr, metrics = pytest.importorskip("captum.attr"), pytest.importorskip("captum.metrics")
    from tests.support.torch_copy import channels_first, torch_copy

    model = request.getfixturevalue(network)
    case = case_of(model, random_inputs(model.input_shape[1:]))
    ours = score(explanation_of(case, method), case, generator(), radius=0.05, samples=4)
    copy = torch_copy(model)
    noise = 0.05 * ranges(case.inputs)[:, np.newaxis] * patterns(case.inputs.shape[1:], 4)[np.newaxis]
    added = channels_first(noise.reshape(-1, *case.inputs.shape[1:]))
    if method == "saliency":
        explain, options = attr.Saliency(copy).attribute, {}
    else:
        # The same rule on the same 51 points: trapezoids of the rule that the method uses.
        explain, options = attr.IntegratedGradients(copy).attribute, {"method": "riemann_trapezoid", "n_steps": 51}
    theirs = metrics.sensitivity_max(
        explain,
        channels_first(case.inputs),
        perturb_func=lambda repeated: repeated + added,
        n_perturb_samples=4,
        target=[int(target) for target in case.targets],
        **options,
    )
    np.testing.assert_allclose(ours.values["max_sensitivity"], theirs.detach().numpy(), rtol=2e-3)


def test_a_constant_map_wins_and_noise_loses(heartbeat):
    case = case_of(heartbeat, random_inputs((186, 1)))
    constant, noise = (
        score(explanation_of(case, name), case, generator()).values["mean_sensitivity"]
        for name in ("all_equal", "random_attribution")
    )
    np.testing.assert_array_equal(constant, 0)
    # Independent standard normals: the difference has the square root of two times the size.
    np.testing.assert_allclose(noise, np.sqrt(2), rtol=0.15)


def test_the_radius_is_a_share_of_the_range_of_each_channel(linear):
    case = case_of(linear[0], random_inputs((12, 3)))
    scaled = case.inputs * np.array([1, 50, 0.01], np.float32) + np.array([0, 7, -3], np.float32)
    scaled[:, :, 2] = 4  # a channel without a range is left alone
    case = case_of(linear[0], scaled)
    explanation = explanation_of(case, "input_magnitude")
    seen = []

    def again(inputs, targets):
        seen.append(inputs)
        return explanation.attributions.repeat(len(inputs) // len(scaled), 0)

    score(
        type(explanation)("x", "x", explanation.attributions, re_explain=again),
        case,
        generator(),
        radius=0.1,
        samples=50,
    )
    moved = np.abs(np.concatenate(seen).reshape(-1, *scaled.shape) - scaled)
    reach = 0.1 * np.ptp(scaled, axis=1, keepdims=True)
    assert (moved <= reach * 1.001 + 1e-5).all()
    np.testing.assert_allclose(moved[..., :2].max((0, 2)), reach[:, 0, :2], rtol=0.05)
    np.testing.assert_array_equal(moved[..., 2], 0)


def test_all_copies_go_through_the_method_together_and_the_batch_does_not_matter(digit):
    inputs = random_inputs((8, 8, 1), 6)
    whole = case_of(digit, inputs)
    explanation = explanation_of(whole, "gradient_input")
    one = score(explanation, whole, generator(), samples=7, examples="all").values
    assert explanation.re_explain.calls == [42]
    parts = case_of(digit, inputs, batch_size=4)
    explanation = explanation_of(parts, "gradient_input")
    two = score(explanation, parts, generator(), samples=7, examples="all").values
    assert max(explanation.re_explain.calls) <= 4
    assert sum(explanation.re_explain.calls) == 42
    for name in one:
        np.testing.assert_allclose(one[name], two[name], rtol=1e-4)


def test_an_example_has_its_value_in_any_company_and_the_others_none(digit):
    inputs, targets = random_inputs((8, 8, 1), 6), np.array([3, 3, 3, 1, 1, 0])
    case = case_of(digit, inputs, targets)
    few = score(explanation_of(case, "saliency"), case, generator(), examples=1).values["max_sensitivity"]
    everyone = score(explanation_of(case, "saliency"), case, generator(), examples="all").values["max_sensitivity"]
    np.testing.assert_array_equal(np.isfinite(few), [True, False, False, True, False, True])
    np.testing.assert_allclose(few[[0, 3, 5]], everyone[[0, 3, 5]], rtol=1e-4)


def test_attributions_of_zeros_have_no_value(linear):
    case = case_of(linear[0], np.zeros((2, 12, 3), np.float32))
    found = score(explanation_of(case, "gradient_input"), case, generator())
    assert np.isnan(found.values["max_sensitivity"]).all()


def test_the_same_seed_gives_the_same_bytes(digit):
    case = case_of(digit, random_inputs((8, 8, 1)))
    one, two = (score(explanation_of(case, "saliency"), case, generator()).values for _ in range(2))
    assert all(one[name].tobytes() == two[name].tobytes() for name in one)
    assert isinstance(case.model, ExplainedModel)
