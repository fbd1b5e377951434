"""Input invariance: closed forms on a linear model, and the second model of a network with zero padding."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.score.input_invariance import offsets, score
from tests.support.linear_model import constant, explained_by, gradient, gradient_input, linear_case


def generator():
    return np.random.default_rng(3)


def test_a_gradient_does_not_change_and_gradient_times_input_changes_by_the_shift():
    case, weights = linear_case((12, 3), number=4)
    found = score(explained_by(case, gradient), case, generator()).values
    np.testing.assert_allclose(found["shift_change"], 0, atol=1e-6)
    np.testing.assert_array_equal(found["shift_invariant"], 1)
    found = score(explained_by(case, gradient_input), case, generator(), shift=0.5).values
    offset = 0.5 * np.ptp(case.inputs, axis=(0, 1))
    share = [np.linalg.norm(w * offset) / np.linalg.norm(w * x) for w, x in zip(weights, case.inputs, strict=True)]
    np.testing.assert_allclose(found["shift_change"], share, rtol=1e-5)
    np.testing.assert_array_equal(found["shift_invariant"], 0)


def test_a_difference_from_the_training_examples_does_not_change_as_they_move_as_well():
    case, _ = linear_case((12, 3), number=4)
    plain = explained_by(case, gradient)

    def from_the_mean(inputs, targets, model=None, training=None, **others):
        rows = np.asarray((case.training if training is None else training)[np.arange(30)])
        return (plain.re_explain(inputs, targets, model=model) * (inputs - rows.mean(0))).astype(np.float32)

    explanation = replace(plain, attributions=from_the_mean(case.inputs, case.targets), re_explain=from_the_mean)
    np.testing.assert_allclose(score(explanation, case, generator()).values["shift_change"], 0, atol=1e-5)


def test_the_shift_is_a_share_of_the_range_of_what_was_measured():
    case, _ = linear_case((12, 3), number=4)
    inputs = case.inputs * np.array([1, 10, 0], np.float32)
    np.testing.assert_allclose(offsets(replace(case, inputs=inputs), 2)[:2], 2 * np.ptp(inputs, axis=(0, 1))[:2])
    # A channel without a range.
    assert offsets(replace(case, inputs=inputs), 2)[2] == 2
    measured = np.ones(inputs.shape, bool)
    measured[:, 6:] = False
    wild = np.where(measured, inputs, 1e6).astype(np.float32)
    np.testing.assert_allclose(
        offsets(replace(case, inputs=wild, measured=measured), 1)[:2], np.ptp(inputs[:, :6], axis=(0, 1))[:2]
    )


def test_a_map_of_zeros_has_no_value_and_a_constant_one_wins():
    case, _ = linear_case((12, 3), number=4)
    nothing = score(explained_by(case, lambda model, x, *_: 0 * x), case, generator()).values
    assert np.isnan(nothing["shift_change"]).all()
    assert np.isnan(nothing["shift_invariant"]).all()
    np.testing.assert_array_equal(score(explained_by(case, constant), case, generator()).values["shift_change"], 0)


def test_the_second_model_gives_the_same_answers_beside_zero_padding(gap_image):
    from pellucid.network.explained_model import ExplainedModel

    model = ExplainedModel(gap_image)
    x, shift = generator().random((3, 9, 8, 3), np.float32), np.array([1, -2, 0.5], np.float32)
    targets = np.array([0, 1, 3])
    second = model.for_shifted(shift)
    np.testing.assert_allclose(second.logits(x + shift), model.logits(x), atol=1e-5)
    np.testing.assert_allclose(second.gradient(x + shift, targets), model.gradient(x, targets), atol=1e-6)
    # In the bias of the first layer the shift would reach into the padding.
    kernel, bias = model.weights["conv_1"]
    in_bias = [kernel, bias - np.tensordot(kernel.sum((0, 1)).T, shift, axes=1)]
    with model.altered({"conv_1": in_bias}):
        assert np.abs(model.logits(x + shift) - second.logits(x + shift)).max() > 0.01


@pytest.mark.parametrize(
    ("method", "invariant"), [("saliency", True), ("grad_cam", True), ("integrated_gradients", False)]
)
def test_methods_of_a_network(gap_image, method, invariant):
    from tests.support.explained import case_of, explanation_of

    case = case_of(gap_image, generator().random((4, 9, 8, 3), np.float32))
    found = score(explanation_of(case, method), case, generator()).values["shift_invariant"]
    np.testing.assert_array_equal(found[np.isfinite(found)], invariant)
