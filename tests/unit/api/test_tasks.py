"""`pellucid.explain` and `pellucid.compare` of several labels, of values, and of contrasts."""

import numpy as np
import pytest

import pellucid
from pellucid.targets import contrast

NAMES = ["loop", "stroke", "dot"]


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(3).normal(size=(4, 20, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def models(keras):
    """Networks by the activation and the number of their outputs."""
    made = {}

    def of(activation, outputs=3):
        if (activation, outputs) not in made:
            keras.utils.set_random_seed(outputs)
            layers = keras.layers
            made[activation, outputs] = keras.Sequential(
                [
                    keras.Input((20, 2)),
                    layers.Conv1D(4, 3, activation="relu"),
                    layers.GlobalAveragePooling1D(),
                    layers.Dense(outputs, activation=activation),
                ],
                name="net",
            )
        return made[activation, outputs]

    return of


def test_several_labels_by_name_by_number_and_most_probable(models, x):
    model = models("sigmoid")
    p = np.asarray(model(x))
    options = {"task": "multi_label", "class_names": NAMES}
    named = pellucid.explain(
        model, x, "grad_cam", target="dot", y=[["dot"], [], ["loop", "dot"], ["stroke"]], **options
    )
    assert named.task == "multi_label"
    assert named.explained == ["dot"] * 4
    np.testing.assert_allclose(named.probabilities, p, rtol=1e-4)
    np.testing.assert_array_equal(named.labels, [[0, 0, 1], [0, 0, 0], [1, 0, 1], [0, 1, 0]])
    np.testing.assert_array_equal(named.predictions, p[:, 2] >= 0.5)
    np.testing.assert_array_equal(named.arrays["labels"], [2] * 4)
    numbered = pellucid.explain(model, x, "grad_cam", target=2, **options)
    np.testing.assert_array_equal(named.attributions, numbered.attributions)
    probable = pellucid.explain(model, x, "grad_cam", **options)
    np.testing.assert_array_equal(probable.targets, p.argmax(1))
    assert named.plot().axes
    assert "label's logit" in named.unit


def test_values_and_their_unit(models, x):
    model = models("linear", 1)
    answers = np.asarray(model(x))[:, 0]
    explanation = pellucid.explain(model, x, "cam", task="regression", class_names=["slant"], y=answers + 1)
    assert explanation.probabilities is None
    np.testing.assert_allclose(explanation.predictions, answers, rtol=1e-5)
    np.testing.assert_allclose(explanation.labels[:, 0], answers + 1, rtol=1e-5)
    assert explanation.plot().axes
    assert "value" in explanation.unit
    # A value and a contrast of two values, by scores that look at them.
    model = models("linear")
    for target in ("dot", {"why": "dot", "not": "loop"}):
        comparison = pellucid.compare(
            model, x, methods=["saliency", "occlusion"], task="regression", class_names=NAMES, target=target
        )
        assert comparison.leaderboard["mean rank"].notna().all()
    assert comparison.explanations["saliency"].explained == ["dot, not loop"] * 4


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", "linear"])
def test_a_contrast_is_the_difference_of_two_explanations(models, x, activation):
    task = {"softmax": "single_label", "sigmoid": "multi_label", "linear": "regression"}[activation]
    model, options = models(activation), {"task": task, "class_names": NAMES}

    def maps(target):
        return pellucid.explain(model, x, "gradient_input", target=target, **options)

    found = maps({"why": "stroke", "not": 0})
    np.testing.assert_array_equal(found.targets, [contrast(1, 0)] * 4)
    expected = maps(1).attributions - maps("loop").attributions
    np.testing.assert_allclose(found.attributions, expected, atol=1e-6)
    np.testing.assert_array_equal(maps(found.targets).attributions, found.attributions)
    assert found.checks["passed"].all()


def test_the_random_logit_needs_another_output(models, x):
    scores = pellucid.compare(
        models("linear", 1), x, methods=["saliency"], scores=["random_logit"], task="regression"
    ).by_example
    assert np.isnan(scores["random_logit/saliency/logit_rank_correlation"]).all()
    assert "no other to explain" in str(scores["random_logit/note"])
    scores = pellucid.compare(
        models("linear"),
        x,
        methods=["saliency"],
        scores=["random_logit"],
        task="regression",
        target={"why": 0, "not": 1},
    ).by_example
    assert np.isfinite(scores["random_logit/saliency/logit_rank_correlation"]).all()


def test_a_function_of_probabilities_of_labels(models, x):
    model = models("sigmoid")
    by_function = pellucid.explain(
        lambda batch: model(batch, training=False), x, "occlusion", task="multi_label", target=1, window=4
    )
    whole = pellucid.explain(model, x, "occlusion", task="multi_label", target=1, window=4)
    np.testing.assert_allclose(by_function.attributions, whole.attributions, atol=1e-4)


REFUSED = {
    "sigmoids without a task": (
        ("sigmoid", 3, {}), r'model net: found 3 independent sigmoids; .* say so: task="multi_label"',
    ),
    "one value without a task": (("linear", 1, {}), r'found one output without a sigmoid; .* task="regression"'),
    "softmax as labels": (("softmax", 3, {"task": "multi_label"}), "fits data of the task single_label"),
    "sigmoids as values": (("sigmoid", 3, {"task": "regression"}), "fits data of the task multi_label"),
    "no such task": (("linear", 1, {"task": "ordinal"}), 'task: found "ordinal"; expected one of single_label'),
    "which value": (
        ("linear", 3, {"task": "regression"}), r'target: "predicted" does not say which of the values',
    ),
    "which label": (("sigmoid", 3, {"task": "multi_label", "target": "label"}), '"label" does not say which'),
    "itself": (
        ("softmax", 3, {"target": {"why": "dot", "not": 2}}), 'example 0 would contrast "dot" with itself',
    ),
    "half a contrast": (("softmax", 3, {"target": {"why": 1}}), 'target: found .*; expected {"why": …, "not": …}'),
    "unknown": (("softmax", 3, {"target": {"why": "dots", "not": 1}}), r'target\["why"\]: found "dots"'),
    "labels of classes": (
        ("sigmoid", 3, {"task": "multi_label", "y": [0, 1, 2, 0]}), "y: found shape 4; expected 4 × 3 of 0 and 1",
    ),
    "values of another number": (
        ("linear", 3, {"task": "regression", "target": 0, "y": [0.5, 1, 2, 3]}), "y: found shape 4; expected 4 × 3",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused(models, x, case):
    (activation, outputs, options), message = REFUSED[case]
    names = NAMES if outputs == 3 else None
    with pytest.raises(pellucid.InputError, match=message):
        pellucid.explain(models(activation, outputs), x, "saliency", **{"class_names": names, **options})
