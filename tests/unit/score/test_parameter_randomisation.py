"""Randomised parameters: controls stay as they are, gradients do not, and the model gets its weights back."""

from dataclasses import replace

import numpy as np
import pytest

from pellucid.network.weight_randomisation import fresh_weights, randomised, weighted_layers
from pellucid.score import efficient_mprt, smooth_mprt
from pellucid.score.parameter_randomisation import score, stops
from pellucid.score.shared.similarity import spearman, ssim
from tests.support.explained import case_of, explanation_of


@pytest.fixture(scope="module")
def trained(keras):
    """A small network that has learnt to tell the digits apart, and test images of them."""
    from sklearn.datasets import load_digits

    layers = keras.layers
    keras.utils.set_random_seed(6)
    model = keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(16, 3, activation="relu", name="conv_1"),
            layers.BatchNormalization(momentum=0.8, name="norm_1"),
            layers.Conv2D(16, 3, activation="relu", name="conv_2"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax", name="classes"),
        ]
    )
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).reshape(-1, 8, 8, 1).astype(np.float32)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(images[:1400], labels[:1400], epochs=8, batch_size=32, verbose=0)
    assert model.evaluate(images[1400:], labels[1400:], verbose=0)[1] > 0.85
    return model, images[1400:1430], labels[1400:1430]


@pytest.fixture
def case(trained):
    model, images, labels = trained
    return case_of(model, images, labels)


def run(explanation, case, **parameters):
    return score(explanation, case, np.random.default_rng(3), **{"examples": "all", "steps": "all", **parameters})


@pytest.mark.parametrize("method", ["random_attribution", "input_magnitude", "all_equal"])
def test_what_does_not_look_at_the_model_fails_the_check(case, method):
    found = run(explanation_of(case, method), case)
    assert set(found.values) == {
        f"parameter_{measure}.{part}" for measure in ("rank_correlation", "ssim") for part in ("mean", "end")
    }
    for values in found.values.values():
        np.testing.assert_allclose(values, 1, atol=1e-12)


def test_saliency_of_a_trained_network_decays(case):
    explanation = explanation_of(case, "saliency")
    found = run(explanation, case, draws=3)
    assert explanation.re_explain.calls == [30] * 4 * 3
    assert found.values["parameter_rank_correlation.end"].mean() < 0.3
    assert found.values["parameter_ssim.end"].mean() < 0.5
    curve = found.curves["rank correlation"]
    np.testing.assert_array_equal(curve.x, [0, 1, 2, 3, 4])
    np.testing.assert_allclose(curve.y[:, 0], 1)
    means = curve.y.mean(0)
    assert means[0] > means[1] > means[-1]


def test_starts_from_the_trained_weights_and_alters_the_output_alone_at_first(case):
    trained, seen = case.model.weights, []
    explanation = explanation_of(case, "saliency")

    def again(inputs, targets):
        now = case.model.weights
        pairs = {name: zip(trained[name], now[name], strict=True) for name in trained if trained[name]}
        seen.append({name for name, both in pairs.items() if not all(np.array_equal(*pair) for pair in both)})
        return explanation.attributions[: len(inputs)]

    run(replace(explanation, re_explain=again), case)
    assert seen == [
        {"classes"},
        {"classes", "conv_2"},
        {"classes", "conv_2", "norm_1"},
        {"classes", "conv_2", "norm_1", "conv_1"},
    ]


def test_is_the_similarity_to_an_independent_model_with_those_weights(keras, trained, case):
    model, images, labels = trained
    from pellucid.explain.saliency import explain
    from pellucid.network.explained_model import ExplainedModel

    explanation = explanation_of(case, "saliency")
    found = run(explanation, case)
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    seeds = np.random.default_rng(3)
    for number, name in enumerate(["classes", "conv_2", "norm_1", "conv_1"], 1):
        copy.get_layer(name).set_weights(fresh_weights(model.get_layer(name), int(seeds.integers(2**31))))
        maps = explain(ExplainedModel(copy), images, labels, np.random.default_rng(0))
        expected = spearman(explanation.attributions, maps), ssim(explanation.attributions, maps)
        np.testing.assert_allclose(found.curves["rank correlation"].y[:, number], expected[0], atol=1e-3)
        np.testing.assert_allclose(found.curves["SSIM"].y[:, number], expected[1], atol=1e-3)
    steps = found.curves["SSIM"].y[:, 1:]
    np.testing.assert_allclose(found.values["parameter_ssim.mean"], steps.mean(1))
    np.testing.assert_allclose(found.values["parameter_ssim.end"], steps[:, -1])


@pytest.mark.parametrize("method", ["saliency", "occlusion", "grad_cam", "smoothgrad", "lime"])
def test_the_trained_weights_are_back_and_explain_as_before(case, method):
    explanation = explanation_of(case, method, **({"window": 3} if method == "occlusion" else {}))
    before = case.model.weights
    run(explanation, case, examples=1, steps=2)
    after = case.model.weights
    for name in before:
        for one, two in zip(before[name], after[name], strict=True):
            np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(explanation.re_explain(case.inputs, case.targets), explanation.attributions)


def test_fewer_steps_look_at_the_same_cascade(case):
    explanation = explanation_of(case, "saliency")
    all_steps, few = (run(explanation, case, steps=steps).curves["SSIM"] for steps in ("all", 2))
    np.testing.assert_array_equal(few.x, [0, 1, 4])
    np.testing.assert_array_equal(few.y, all_steps.y[:, [0, 1, 4]])


def test_looks_after_the_first_layer_and_after_the_last():
    np.testing.assert_array_equal(stops(8, "all"), np.arange(1, 9))
    np.testing.assert_array_equal(stops(8, 20), np.arange(1, 9))
    np.testing.assert_array_equal(stops(16, 4), [1, 6, 11, 16])
    np.testing.assert_array_equal(stops(1, 2), [1])


def test_every_method_meets_the_same_weights_and_only_the_chosen_are_scored(case):
    one = run(explanation_of(case, "saliency"), case, examples=1)
    two = run(explanation_of(case, "saliency"), case, examples="all")
    for name in one.values:
        chosen = np.isfinite(one.values[name])
        assert chosen.sum() == len(np.unique(case.labels))
        np.testing.assert_allclose(one.values[name][chosen], two.values[name][chosen], atol=1e-3)
    assert len(weighted_layers(case.model)) == 4


@pytest.mark.parametrize("method", ["random_attribution", "input_magnitude", "all_equal"])
def test_what_does_not_look_at_the_model_has_no_rise_and_stays_when_smoothed(case, method):
    explanation = explanation_of(case, method)
    rise = efficient_mprt.score(explanation, case, np.random.default_rng(3)).values["complexity_rise"]
    np.testing.assert_allclose(rise, 0, atol=1e-12)
    smoothed = smooth_mprt.score(explanation, case, np.random.default_rng(3), samples=4).values
    for values in smoothed.values():
        np.testing.assert_allclose(values[np.isfinite(values)], 1, atol=1e-9)


def test_maps_of_a_trained_network_change_and_their_complexity_too(case):
    before = case.model.weights
    smoothed = smooth_mprt.score(
        explanation_of(case, "saliency"), case, np.random.default_rng(3), examples="all", samples=8
    ).values
    assert smoothed["smooth_rank_correlation"].mean() < 0.6
    explanation = explanation_of(case, "gradient_input")
    rise = efficient_mprt.score(explanation, case, np.random.default_rng(3)).values["complexity_rise"]
    # Which way it goes is asked of a network whose evidence is known (`test_controls.py`).
    assert np.abs(rise).mean() > 0.01
    after = case.model.weights
    assert all(np.array_equal(*pair) for name in before for pair in zip(before[name], after[name], strict=True))


def test_smoothed_maps_are_means_over_noisy_copies(case):
    explanation = explanation_of(case, "saliency")
    patterns = np.random.default_rng(5).standard_normal((3, 8, 8, 1)).astype(np.float32)
    found = smooth_mprt.denoised(explanation, case, np.arange(4), 0.2, patterns)
    copies = [
        explanation.re_explain(
            case.inputs[:4] + 0.2 * np.ptp(case.inputs[:4], axis=(1, 2), keepdims=True) * pattern, case.targets[:4]
        )
        for pattern in patterns
    ]
    np.testing.assert_allclose(found, np.mean(copies, axis=0), atol=1e-5)


def test_all_layers_are_randomised_and_get_their_weights_back(case):
    before = case.model.weights
    with randomised(case.model, np.random.default_rng(0)):
        inside = case.model.weights
    assert all(not np.array_equal(before[name][0], inside[name][0]) for name in ("conv_1", "conv_2", "classes"))
    assert np.array_equal(case.model.weights["classes"][0], before["classes"][0])


def test_the_entropy_of_a_histogram():
    maps = np.array([[0, 0, 0, 1], [0, 1, 2, 3], [5, 5, 5, 5]], np.float32)
    three_and_one = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    np.testing.assert_allclose(efficient_mprt.entropies(maps, 4), [three_and_one, np.log(4), 0], atol=1e-12)
    measured = np.array([[1, 1, 0, 1], [1, 1, 1, 1], [1, 0, 1, 1]], bool)
    two_and_one = -(2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3))
    np.testing.assert_allclose(efficient_mprt.entropies(maps, 4, measured), [two_and_one, np.log(4), 0], atol=1e-12)
