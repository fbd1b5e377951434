"""`pellucid.explain` gives what the rule gives, byte for byte, in the shape of x, and leaves the model alone."""

import inspect

import numpy as np
import pytest

import pellucid
from pellucid import files, plugins
from pellucid.datasets.base import UNLABELLED
from pellucid.draw.explanation import draw
from tests.support.prepared import explain as run_rule

METHODS = {
    "saliency": {},
    "grad_cam": {"layer": "last"},
    "occlusion": {"window": 3, "stride": 2},
    "rise": {"masks": 20},
    "kernel_shap": {"samples": 40},
    "integrated_gradients": {"steps": 8},
    "gradient_shap": {"samples": 5},
    "random_attribution": {},
}
NO_EXAMPLES = ("attributions", "variants", "unmeasured_sum", "unmeasured_share")


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).random((4, 8, 8, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def path(digit, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.keras"
    digit.save(path)
    return path


def rule(explanation, folder, path, training=None, seed=3):
    """Run the rule's function on the examples of an explanation; return its folder."""
    folder.mkdir(exist_ok=True)
    examples = {name: array for name, array in explanation.arrays.items() if name not in NO_EXAMPLES}
    files.write_arrays(folder / "examples.npz", examples)
    if training is not None:
        np.save(folder / "x_train.npy", training)
    run_rule(
        folder,
        explanation.method,
        explanation.parameters,
        model=path,
        examples=folder / "examples.npz",
        seed=seed,
        training=None if training is None else folder / "x_train.npy",
    )
    return folder


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("source", ["file", "model in memory"])
def test_the_same_arguments_give_the_bytes_of_the_rule(digit, path, x, tmp_path, method, source):
    training = x[::-1] if method == "gradient_shap" else None
    model = path if source == "file" else digit
    parameters = METHODS[method]
    explanation = pellucid.explain(model, x, method, target=[1, 2, 3, 4], training=training, seed=3, **parameters)
    folder = rule(explanation, tmp_path / "rule", path, training)
    explanation.save(tmp_path / "api.npz")
    assert (tmp_path / "api.npz").read_bytes() == (folder / "attributions.npz").read_bytes()
    cost = files.read_json(folder / "cost.json")[method]
    for passes in ("forward_passes", "backward_passes", "examples", "parameters"):
        assert explanation.cost[passes] == cost[passes]


def test_values_that_were_not_measured_get_what_the_rule_gives_them(path, x, tmp_path):
    measured = np.ones(x.shape, bool)
    measured[1, :3] = False
    explanation = pellucid.explain(path, x, "occlusion", measured=measured, seed=3)
    assert not explanation.attributions[~measured].any()
    folder = rule(explanation, tmp_path / "rule", path)
    explanation.save(tmp_path / "api.npz")
    assert (tmp_path / "api.npz").read_bytes() == (folder / "attributions.npz").read_bytes()


def test_the_figure_is_the_workflows(path, x, tmp_path):
    explanation = pellucid.explain(path, x, "grad_cam", y=[1, 2, 1, 0], title="Digits", class_names=list("abcdefghij"))
    explanation.save(tmp_path / "api.png")
    explanation.save(tmp_path / "attributions.npz")
    files.write_json(tmp_path / "data.json", explanation.data_info)
    draw(
        method="grad_cam",
        variant="grad_cam",
        parameters=explanation.parameters,
        title="Digits",
        data=tmp_path / "data.json",
        attributions=tmp_path / "attributions.npz",
        pictures=[tmp_path / "rule.png"],
    )
    assert (tmp_path / "api.png").read_bytes() == (tmp_path / "rule.png").read_bytes()
    with pytest.raises(pellucid.InputError, match=r"save: found map.jpg; expected a name that ends in .npz, .png"):
        explanation.save(tmp_path / "map.jpg")


def test_the_facts_of_an_explanation_are_those_of_the_model(digit, x):
    explanation = pellucid.explain(digit, x, "saliency", y=[1, 2, 3, 0])
    probabilities = digit.predict(x, verbose=0)
    np.testing.assert_allclose(explanation.probabilities, probabilities, atol=1e-5)
    assert explanation.predictions.tolist() == probabilities.argmax(1).tolist() == explanation.targets.tolist()
    assert explanation.labels.tolist() == [1, 2, 3, 0]
    assert (explanation.attributions.dtype, explanation.attributions.shape) == (np.float32, x.shape)
    assert explanation.parameters == {"mode": "absolute", "domain": "time", "frame": "auto", "bands": 8}
    assert explanation.class_names == list("0123456789")


def test_one_example_is_explained_as_a_batch_of_one(digit, x):
    alone = pellucid.explain(digit, x[2], "saliency", y=7, target="label")
    among = pellucid.explain(digit, x, "saliency", target=7)
    assert alone.attributions.shape == x.shape[1:]
    assert (alone.labels.tolist(), alone.targets.tolist()) == ([7], [7])
    np.testing.assert_allclose(alone.attributions, among.attributions[2], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("change", [np.float64, list, "integers"])
def test_other_numbers_become_32_bit_numbers(digit, x, change):
    whole = np.round(3 * x).astype(np.float32)
    given = {"integers": whole.astype(np.uint8), list: whole.tolist(), np.float64: whole.astype(np.float64)}[change]
    expected = pellucid.explain(digit, whole, "saliency").attributions
    np.testing.assert_array_equal(pellucid.explain(digit, given, "saliency").attributions, expected)


def test_targets_of_every_form(digit, x):
    names = ["zero", "one", *map(str, range(2, 10))]

    def targets(target, **changes):
        explanation = pellucid.explain(digit, x, "all_equal", target=target, class_names=names, **changes)
        return explanation.targets.tolist()

    assert targets(3) == targets(np.int32(3)) == targets("3") == [3] * 4
    assert targets("one") == [1] * 4
    assert targets(["one", "zero", "5", "9"]) == targets(np.array([1, 0, 5, 9])) == [1, 0, 5, 9]
    assert targets("label", y=["one", "zero", "5", "9"]) == [1, 0, 5, 9]


def test_completeness_and_batch_independence_are_checked(digit, x):
    checks = pellucid.explain(digit, x, "integrated_gradients", steps=64).checks.set_index("check")
    assert checks.loc["completeness", "passed"]
    assert checks.loc["batch", "value"] < 1e-3
    coarse = pellucid.explain(digit, 100 * x - 50, "integrated_gradients", steps=1).checks.set_index("check")
    assert not coarse.loc["completeness", "passed"]


def test_a_notebook_shows_the_figure_the_facts_and_what_failed(digit, x):
    good = pellucid.explain(digit, x, "grad_cam", title="<b>Digits</b>")._repr_html_()
    assert "data:image/png;base64," in good
    assert "weighted activation" in good
    assert "FAILED" not in good
    assert "<b>" not in good
    bad = pellucid.explain(digit, 100 * x - 50, "integrated_gradients", steps=1)._repr_html_()
    assert "FAILED" in bad


def test_examples_without_labels_are_drawn_in_their_order_under_what_they_are_taken_for(digit, x):
    explanation = pellucid.explain(digit, x, "saliency")
    assert explanation.labels is None
    assert explanation.arrays["labels"].tolist() == [UNLABELLED] * 4
    figure = explanation.plot()
    titles = [axes.get_title() for axes in figure.axes]
    assert [title for title in titles if title.startswith("→")] == [f"→ {number}" for number in explanation.predictions]
    assert "examples without labels" in figure.get_suptitle()
    # There is no title, and no empty line for it.
    assert all(figure.get_suptitle().splitlines())


def test_a_notebook_says_that_the_figure_leaves_examples_out(digit, x):
    many = np.concatenate([x, x])
    assert "the first 4 examples" not in pellucid.explain(digit, many, "all_equal", y=[0, 1] * 4)._repr_html_()
    assert "the first 4 examples" in pellucid.explain(digit, many, "all_equal", y=[0] * 8)._repr_html_()


def test_a_figure_of_chosen_examples(digit, x):
    explanation = pellucid.explain(digit, x, "saliency", y=[0, 1, 2, 3], target="label", class_names=list("abcdefghij"))
    titles = [axes.get_title() for axes in explanation.plot(examples=[3, 1]).axes]
    assert {title[0] for title in titles if title and not title.startswith("max ")} == {"b", "d"}
    for examples in ([4], [-1], [], 2, [0.5], ["a"]):
        with pytest.raises(pellucid.InputError, match="examples: found .*; expected a list of numbers from 0 to 3"):
            explanation.plot(examples=examples)


def test_the_model_in_memory_stays_as_it_is(keras, x):
    keras.utils.set_random_seed(5)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(3, 3, activation="relu", name="Conv (1)"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    before = model.to_json(), [layer.name for layer in model.layers], [w.tolist() for w in model.get_weights()]
    answers = model(x).numpy()
    explanation = pellucid.explain(model, x, "grad_cam")
    after = model.to_json(), [layer.name for layer in model.layers], [w.tolist() for w in model.get_weights()]
    assert before == after
    np.testing.assert_array_equal(model(x).numpy(), answers)
    # Training it further does not reach into what was explained.
    checks = explanation.checks["value"].tolist()
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    assert pellucid.Explanation.checks.func(explanation)["value"].tolist() == checks


def test_no_method_has_a_parameter_that_the_function_takes_for_itself():
    taken = {"model", "x", "method"} | set(inspect.signature(pellucid.explain).parameters)
    for name, module in plugins.load("explain").items():
        assert not taken & set(plugins.names(module)), name
