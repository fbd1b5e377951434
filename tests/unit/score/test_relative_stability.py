"""Relative stability: closed forms on a linear model, and which copies count."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.score.relative_stability import same_answer, score
from pellucid.score.shared.ranges import ranges
from pellucid.targets import contrast
from tests.support.linear_model import constant, explained_by, gradient, gradient_input, linear_case, noise


def generator():
    return np.random.default_rng(3)


def ratios(values):
    return 10**values - 1


def test_gradient_times_input_of_a_linear_model_changes_as_the_input_does():
    case, _ = linear_case((12, 3), number=4)
    found = score(explained_by(case, gradient_input), case, generator(), floor=1e-6, examples="all").values
    # w x changes by the share by which x does.
    np.testing.assert_allclose(ratios(found["relative_input_stability"]), 1, rtol=1e-3)


def test_output_stability_in_closed_form():
    case, _ = linear_case((12, 3), number=4)
    options = {"samples": 6, "radius": 0.01, "floor": 1e-6, "examples": "all"}
    found = score(explained_by(case, gradient_input), case, generator(), **options).values
    patterns = generator().uniform(-1, 1, (6, 12, 3)).astype(np.float32)
    moved = 0.01 * ranges(case.inputs) * patterns[:, np.newaxis]
    change = np.linalg.norm((moved / np.abs(case.inputs)).reshape(6, 4, -1), axis=-1)
    outputs = np.linalg.norm(np.tensordot(moved, case.model.weights, axes=2), axis=-1)
    np.testing.assert_allclose(ratios(found["relative_output_stability"]), (change / outputs).max(0), rtol=2e-3)


def test_a_map_that_never_changes_wins_and_noise_loses():
    case, _ = linear_case((12, 3), number=8)
    still, wild, exact = (
        score(explained_by(case, method), case, generator(), examples="all").values["relative_input_stability"]
        for method in (constant, lambda model, x, t, rng: np.random.default_rng().normal(size=x.shape), gradient_input)
    )
    np.testing.assert_array_equal(still, 0)
    assert wild.min() > exact.max()
    flat = score(explained_by(case, gradient), case, generator()).values["relative_output_stability"]
    np.testing.assert_array_equal(flat[np.isfinite(flat)], 0)


def test_copies_with_another_answer_are_left_out():
    case, _ = linear_case((12, 3), number=4)
    case = replace(case, targets=case.model.logits(case.inputs).argmax(1))
    explanation = explained_by(case, gradient_input)
    calls = []
    logits = case.model.logits

    def turned(x):
        calls.append(len(x))
        # After the examples themselves, every copy but the first has another largest logit.
        answer = logits(x)
        if len(calls) > 1:
            answer = answer.reshape(-1, 4, 3)
            answer[1:] = np.roll(logits(case.inputs), 1, axis=1)
            answer = answer.reshape(-1, 3)
        return answer

    only_first = score(explanation, case, generator(), samples=5, examples="all").values["relative_output_stability"]
    case.model.logits = turned
    found = score(explanation, case, generator(), samples=5, examples="all").values["relative_output_stability"]
    assert np.isfinite(found).all()
    assert (found <= only_first + 1e-9).all()
    assert (found < only_first).any()


def test_the_answer_of_each_task():
    logits = np.array([[2.0, 1.0, -1.0], [0.5, 1.0, 3.0]])
    others = np.array([[[3.0, 1.0, -1.0], [4.0, 1.0, 3.0]], [[0.5, 1.0, -1.0], [-0.5, -1.0, 3.0]]])
    targets = np.array([0, contrast(0, 2)])
    np.testing.assert_array_equal(same_answer("single_label", logits, others, targets), [[True, False], [False, True]])
    np.testing.assert_array_equal(same_answer("multi_label", logits, others, targets), [[True, True], [True, False]])
    assert same_answer("regression", logits, others, targets).all()


def test_zeros_count_as_the_floor():
    case, _ = linear_case((12, 1), number=3)
    maps = np.zeros((3, 12, 1), np.float32)
    maps[:, 0] = 2
    moved = np.full((3, 12, 1), 0.5, np.float32)
    explanation = replace(
        explained_by(case, noise),
        attributions=maps,
        re_explain=lambda x, targets, **_: np.tile(moved, (len(x) // 3, 1, 1)),
    )
    found = score(explanation, case, generator(), samples=1, floor=0.01, examples="all").values
    # The largest is 2: eleven zeros count as 0.02, and the first value goes from 2 to 0.5.
    change = np.sqrt(11 * (0.5 / 0.02) ** 2 + (1.5 / 2) ** 2)
    pattern = generator().uniform(-1, 1, (1, 12, 1)).astype(np.float32)
    outputs = np.linalg.norm(np.tensordot(0.02 * ranges(case.inputs) * pattern, case.model.weights, axes=2), axis=-1)
    known = np.isfinite(found["relative_output_stability"])
    np.testing.assert_allclose(ratios(found["relative_output_stability"])[known], (change / outputs)[known], rtol=1e-3)


def test_without_layers_there_is_no_representation_and_it_is_told():
    case, _ = linear_case((12, 3), number=4)
    found = score(explained_by(case, gradient_input), case, generator())
    assert set(found.values) == {"relative_input_stability", "relative_output_stability"}
    assert "outputs" in found.note


def test_the_representation_of_a_network_and_a_layer_that_it_does_not_have(linear):
    from pellucid.errors import InputError
    from tests.support.explained import case_of, explanation_of

    case = case_of(linear[0], generator().random((4, 12, 3), np.float32))
    explanation = explanation_of(case, "gradient_input")
    found = score(explanation, case, generator(), examples="all").values
    # Its last features are the values of the input, so that both stabilities are the same.
    known = np.isfinite(found["relative_input_stability"])
    assert known.any()
    np.testing.assert_allclose(
        found["relative_representation_stability"][known], found["relative_input_stability"][known], rtol=1e-5
    )
    with pytest.raises(InputError, match="no_such_layer"):
        score(explanation, case, generator(), layer="no_such_layer")
