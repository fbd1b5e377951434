"""Targets of every task: closed forms of linear models, and a contrast is what a network of the difference says."""

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pellucid import plugins
from pellucid.errors import InputError
from pellucid.explain import cam
from pellucid.explain.run import explain_variants
from pellucid.network import window_scores
from pellucid.network.explained_model import ExplainedModel
from pellucid.targets import contrast
from pellucid.tasks import MULTI_LABEL, REGRESSION, SINGLE_LABEL
from tests.metamorphic.networks import build, recipes

FEW = settings(
    derandomize=True,
    deadline=None,
    max_examples=3,
    phases=[Phase.generate],  # every network takes seconds: a failing one is not made smaller
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
SHAPES = {"series": (12, 3), "image": (6, 5, 2)}
ACTIVATIONS = {MULTI_LABEL: "sigmoid", REGRESSION: "linear"}
# Methods whose values are linear in what is explained: of a difference they are the difference.
LINEAR = ("gradient_input", "integrated_gradients", "occlusion", "augmented_occlusion", "lime", "kernel_shap",
          "rise", "deep_shap",
          "gradient_shap", "smoothgrad", "saliency", "cam", "hires_cam", "xgrad_cam", "ablation_cam", "full_grad",
          "lrp")  # fmt: skip
# Small enough to be quick; absolute values and squares are not linear.
PARAMETERS = {
    "saliency": {"mode": "signed"},
    "smoothgrad": {"samples": 3, "mode": "signed"},
    "vargrad": {"samples": 3},
    "integrated_gradients": {"steps": 6},
    "occlusion": {"window": 3},
    "augmented_occlusion": {"background": 2, "window": 3},
    "lime": {"samples": 40},
    "rise": {"masks": 20},
    "kernel_shap": {"segments": 4},
    "extremal_perturbation": {"iterations": 10, "areas": [0.2]},
    "dynamask": {"iterations": 10, "areas": [0.2]},
    "extremal_mask": {"iterations": 10},
    "deep_shap": {"background": 5},
    "gradient_shap": {"background": 5, "samples": 10},
    "score_cam": {"weights": "increase"},
    # Their ReLU is not linear either.
    "xgrad_cam": {"relu": False},
    "ablation_cam": {"relu": False},
}


def explained(model, method, x, targets, training=None, **parameters):
    """The attributions of a method, as the workflow makes them; None where it does not apply to the model."""
    plugin = plugins.load("explain")[method]
    values = plugins.defaults(plugin) | PARAMETERS.get(method, {}) | parameters
    try:
        results = explain_variants(method, values, model, {"inputs": x, "targets": targets}, seed=3, training=training)
    except InputError as error:
        assert "global average pooling" in str(error) or "no ReLU" in str(error) or "along time" in str(error), error
        return None
    return results.arrays["attributions"][0], results.checks[method]


def ended(keras, body, kernel, bias, activation):
    """A model of a body's features with one more dense layer of these weights."""
    dense = keras.layers.Dense(len(bias), activation=activation, name="end")
    model = keras.Model(body.inputs, dense(body.outputs[0]))
    dense.set_weights([kernel, bias])
    return model


def linear_model(keras, shape, task, outputs, seed=0):
    """outputs = activation(x · W + b), with its W (*shape, outputs)."""
    rng = np.random.default_rng(seed)
    kernel = rng.normal(size=(int(np.prod(shape)), outputs)).astype(np.float32)
    inputs = keras.Input(shape)
    body = keras.Model([inputs], keras.layers.Flatten()(inputs))
    model = ended(keras, body, kernel, rng.normal(size=outputs).astype(np.float32), ACTIVATIONS[task])
    return ExplainedModel(model, task), kernel.reshape(*shape, outputs).astype(np.float64)


def weights_of(kernel, targets, outputs):
    """w of each target, by the definition: a column, or the difference of two (why, not)."""
    columns = [
        kernel[..., target] if np.ndim(target) == 0 else kernel[..., target[0]] - kernel[..., target[1]]
        for target in targets
    ]
    return np.stack(columns)


def codes(targets):
    return np.array([target if np.ndim(target) == 0 else contrast(*target) for target in targets], np.int64)


CASES = {
    (MULTI_LABEL, 3): [0, 2, (1, 0), (0, 2)],
    (REGRESSION, 3): [1, 0, (2, 1), (1, 2)],
    (REGRESSION, 1): [0, 0, 0, 0],
    (MULTI_LABEL, 1): [0, 0, 0, 0],
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize(("task", "outputs"), CASES)
def test_closed_forms_of_linear_models(keras, shape, task, outputs):
    model, kernel = linear_model(keras, shape, task, outputs)
    rng = np.random.default_rng(1)
    x, training = (rng.normal(size=(number, *shape)).astype(np.float32) for number in (4, 7))
    named = CASES[task, outputs]
    targets, weights = codes(named), weights_of(kernel, named, outputs)
    product, mean = weights * x, weights * (x - training.mean(0))
    axes = tuple(range(1, len(shape)))

    def close(found, expected):
        np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-4)

    close(explained(model, "saliency", x, targets)[0], weights)
    close(explained(model, "gradient_input", x, targets)[0], product)
    for method, expected in (("integrated_gradients", product), ("deep_shap", mean), ("gradient_shap", None)):
        found, checks = explained(
            model, method, x, targets, training, **({"background": 7} if expected is mean else {})
        )
        assert checks["completeness_residual_share"] < 1e-4 or expected is None
        if expected is not None:
            close(found, expected)
    # Windows of one position through all channels: what they add, spread over the channels.
    covered, _ = explained(model, "occlusion", x, targets, window=1, channels="together")
    close(covered, np.broadcast_to(product.sum(-1, keepdims=True), x.shape))
    shapley, checks = explained(model, "kernel_shap", x, targets, segments=2)
    close(shapley.sum((*axes, len(shape))), product.sum((*axes, len(shape))))
    # A segment has its sum, divided among its samples: the values are constant over it, and keep the segment's sum.
    for row in range(len(x)):
        for level in np.unique(shapley[row].round(4)):
            segment = np.isclose(shapley[row], level, atol=1e-4)
            close(shapley[row][segment].sum(), product[row][segment].sum())


@pytest.mark.parametrize("task", [MULTI_LABEL, REGRESSION])
def test_what_scores_look_at(keras, task):
    model, _ = linear_model(keras, SHAPES["series"], task, 3)
    x = np.random.default_rng(2).normal(size=(4, 12, 3)).astype(np.float32)
    logits = model.logits(x).astype(np.float64)
    plain, contrasts = codes([0, 1, 2, 0]), codes([(1, 0), (0, 2), (2, 1), (0, 1)])
    picked = logits[np.arange(4), [0, 1, 2, 0]]
    expected = 1 / (1 + np.exp(-picked)) if task == MULTI_LABEL else picked
    np.testing.assert_allclose(model.output(x, plain), expected, rtol=1e-4)
    difference = logits[np.arange(4), [1, 0, 2, 0]] - logits[np.arange(4), [0, 2, 1, 1]]
    np.testing.assert_allclose(model.output(x, contrasts), difference, rtol=1e-4, atol=1e-5)
    mixed = np.array([plain[0], contrasts[1], plain[2], contrasts[3]])
    np.testing.assert_allclose(
        model.output(x, mixed), [expected[0], difference[1], expected[2], difference[3]], rtol=1e-4, atol=1e-5
    )
    if task == REGRESSION:
        with pytest.raises(InputError, match="a regression gives values, and has no probabilities"):
            model.probabilities(x)
    else:
        np.testing.assert_allclose(model.probabilities(x), 1 / (1 + np.exp(-logits)), rtol=1e-4, atol=1e-7)


def difference_network(keras, model, why, other):
    """The body of a network with one dense unit that computes the difference of two of its logits."""
    end = model.layers[-1]
    kernel, bias = end.get_weights()
    body = keras.Model(model.inputs, end.input)
    return ended(keras, body, kernel[:, [why]] - kernel[:, [other]], bias[[why]] - bias[[other]], "linear")


# What the networks of this page may have; others have no attention and no windows of instances.
FEATURES = {"conv", "relu", "rescale_rule", "gap"}
# Its rules are of layers: a layer that computes a difference is another network to it than a difference of outputs. It is
# linear in the relevance that it starts from, so that a contrast is the difference of both maps all the same.
OF_LAYERS = ("lrp",)


def methods_of():
    """The methods that look at the model and that a plain network can have."""
    return [
        name
        for name, plugin in plugins.load("explain").items()
        if plugin.SPEC.needs_model and set(plugin.SPEC.requires) <= FEATURES
        if name not in OF_LAYERS and plugin.SPEC.family != "control"
    ]


@FEW
@given(recipe=recipes(), task=st.sampled_from([SINGLE_LABEL, MULTI_LABEL, REGRESSION]))
def test_a_contrast_is_explained_as_a_network_of_the_difference(keras, recipe, task):
    network = build(recipe)
    network.layers[-1].activation = getattr(
        keras.activations, {SINGLE_LABEL: "softmax", MULTI_LABEL: "sigmoid", REGRESSION: "linear"}[task]
    )
    rng = np.random.default_rng(recipe.seed)
    x, training = (rng.normal(size=(number, *recipe.shape)).astype(np.float32) for number in (3, 9))
    why, other = 2, 0
    model = ExplainedModel(network, task)
    single = ExplainedModel(difference_network(keras, network, why, other), REGRESSION)
    targets, only = np.full(3, contrast(why, other)), np.zeros(3, np.int64)
    compared = 0
    for method in [*methods_of(), *OF_LAYERS]:
        of_contrast = explained(model, method, x, targets, training)
        of_single = of_contrast if method in OF_LAYERS else explained(single, method, x, only, training)
        assert (of_contrast is None) == (of_single is None), method
        if of_contrast is None:
            continue
        found, expected = of_contrast[0], of_single[0]
        np.testing.assert_allclose(found, expected, atol=3e-4 * max(np.abs(expected).max(), 1e-6), err_msg=method)
        compared += 1
        if method in LINEAR:
            parts = [explained(model, method, x, np.full(3, output), training)[0] for output in (why, other)]
            size = max(np.abs(part).max() for part in parts)
            np.testing.assert_allclose(found, parts[0] - parts[1], atol=3e-4 * max(size, 1e-6), err_msg=method)
    assert compared >= 12


@pytest.mark.parametrize("task", [SINGLE_LABEL, MULTI_LABEL, REGRESSION])
def test_covered_windows_of_contrasts_incrementally_and_whole(keras, monkeypatch, task):
    keras.utils.set_random_seed(5)
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((40, 2)),
            layers.Conv1D(4, 5, activation="relu"),
            layers.Flatten(),
            layers.Dense(3, activation=ACTIVATIONS.get(task, "softmax")),
        ]
    )
    x = np.random.default_rng(0).normal(size=(3, 40, 2)).astype(np.float32)
    targets = np.array([contrast(1, 0), 2, contrast(0, 2)])
    starts, channels = np.arange(0, 36, 4)[:, np.newaxis], np.full(9, -1)
    scores = {}
    for work in (0, np.inf):
        monkeypatch.setattr(window_scores, "_WORK_OF_TRACING", work)
        model = ExplainedModel(network, task)
        scores[work] = model.covered_scores(x, 0 * x, targets, starts, (4,), channels)
        assert bool(model._scorers.made) == (work == 0)
    np.testing.assert_allclose(scores[0], scores[np.inf], rtol=1e-4, atol=1e-5)
    logits = model.logits(np.where(np.arange(40)[:, np.newaxis] < 4, 0, x).astype(np.float32))
    expected = [logits[0, 1] - logits[0, 0], logits[1, 2], logits[2, 0] - logits[2, 2]]
    np.testing.assert_allclose(scores[0][0], expected, rtol=1e-4, atol=1e-5)


def test_targets_that_the_model_does_not_have_are_refused(keras):
    model, _ = linear_model(keras, (12, 3), REGRESSION, 2)
    x = np.zeros((1, 12, 3), np.float32)
    for target in (2, -1, contrast(2, 0), contrast(0, 2)):
        with pytest.raises(InputError, match=r"targets: found shape \(1,\), from .*; expected \(1,\), from 0 to 1"):
            model.score(x, np.array([target]))


ENDS = {
    "softmax": lambda layers, keras: [layers.Dense(3, activation="softmax")],
    "softmax layer": lambda layers, keras: [layers.Dense(3), layers.Softmax()],
    "logits": lambda layers, keras: [layers.Dense(3)],
    "sigmoids": lambda layers, keras: [layers.Dense(3, activation="sigmoid")],
    "sigmoid layer": lambda layers, keras: [layers.Dense(3), layers.Activation("sigmoid")],
    "sigmoid operation": lambda layers, keras: [layers.Dense(3), lambda x: keras.ops.sigmoid(x)],
    "hidden sigmoids": lambda layers, keras: [layers.Dense(3, activation="sigmoid"), layers.Reshape((3,))],
    "hidden softmax": lambda layers, keras: [layers.Dense(3, activation="softmax"), layers.Reshape((3,))],
    "one sigmoid": lambda layers, keras: [layers.Dense(1, activation="sigmoid")],
    "one value": lambda layers, keras: [layers.Dense(1)],
}
FITS = {
    "softmax": [SINGLE_LABEL],
    "softmax layer": [SINGLE_LABEL],
    "logits": [SINGLE_LABEL, MULTI_LABEL, REGRESSION],  # nothing in the model tells them apart
    "sigmoids": [MULTI_LABEL],
    "sigmoid layer": [MULTI_LABEL],
    "sigmoid operation": [MULTI_LABEL],
    "hidden sigmoids": [SINGLE_LABEL, REGRESSION],  # numbers from 0 to 1, which are explained as they are
    "hidden softmax": [],
    "one sigmoid": [MULTI_LABEL],
    "one value": [MULTI_LABEL, REGRESSION],
}
NAMES = {"softmax": SINGLE_LABEL, "softmax layer": SINGLE_LABEL, "hidden softmax": SINGLE_LABEL,
         "sigmoids": MULTI_LABEL, "sigmoid layer": MULTI_LABEL, "sigmoid operation": MULTI_LABEL}  # fmt: skip


@pytest.mark.parametrize("end", ENDS)
def test_the_head_of_a_model_must_fit_the_task(keras, end):
    inputs = keras.Input((12, 3))
    hidden = keras.layers.Flatten()(inputs)
    for layer in ENDS[end](keras.layers, keras):
        hidden = layer(hidden)
    network = keras.Model(inputs, hidden, name="net")
    x = np.random.default_rng(0).normal(size=(2, 12, 3)).astype(np.float32)
    for task in (SINGLE_LABEL, MULTI_LABEL, REGRESSION):
        if task in FITS[end]:
            # Before a sigmoid or softmax: the outputs are not bounded, and the gradient does not vanish.
            model = ExplainedModel(network, task)
            assert model.task == task
            wide = np.abs(model.logits(100 * x)).max()
            assert wide > 1 or end == "hidden sigmoids"
            continue
        with pytest.raises(InputError, match="model net: found") as error:
            ExplainedModel(network, task)
        if end in NAMES and not (end == "hidden softmax" and task == SINGLE_LABEL):
            assert f'The task "{NAMES[end]}"' in str(error.value)


def test_the_task_is_read_beside_the_model(keras, tmp_path):
    from pellucid import files

    network = keras.Sequential([keras.Input((6, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    network.save(tmp_path / "model.keras")
    with pytest.raises(InputError, match="an output of shape"):
        ExplainedModel.load(tmp_path / "model.keras")
    files.write_json(tmp_path / "training.json", {"task": REGRESSION})
    assert ExplainedModel.load(tmp_path / "model.keras").task == REGRESSION
    assert ExplainedModel.load(tmp_path / "model.keras", task=MULTI_LABEL).task == MULTI_LABEL
    with pytest.raises(InputError, match="task: found .ordinal.; expected one of"):
        ExplainedModel(network, "ordinal")


def test_a_contrast_of_two_equal_outputs_is_refused_by_its_name(keras):
    inputs = keras.Input((12, 3))
    body = keras.Model(inputs, keras.layers.Flatten()(inputs))
    kernel = np.random.default_rng(0).normal(size=(36, 1)).astype(np.float32).repeat(2, axis=1)
    model = ExplainedModel(ended(keras, body, kernel, np.array([0, 1], np.float32), "linear"), REGRESSION)
    arrays = {"inputs": np.random.default_rng(1).random((2, 12, 3), np.float32), "targets": np.full(2, contrast(1, 0))}
    with pytest.raises(InputError, match='contrast "rate, not width": the score is 1 for every input'):
        explain_variants("saliency", {"mode": "signed"}, model, arrays, seed=0, classes=["width", "rate"])


def test_class_activation_maps_need_a_dense_layer_that_nothing_but_its_cut_activation_follows(keras):
    layers = keras.layers
    ends = {
        "sigmoids": (MULTI_LABEL, [layers.Dense(3, activation="sigmoid")]),
        "sigmoid layer": (MULTI_LABEL, [layers.Dense(3), layers.Activation("sigmoid")]),
        "one value": (REGRESSION, [layers.Dense(1)]),
        "ReLU behind": (REGRESSION, [layers.Dense(3), layers.Activation("relu")]),
        "ReLU in the layer": (REGRESSION, [layers.Dense(3, activation="relu")]),
    }
    for name, (task, end) in ends.items():
        network = keras.Sequential([keras.Input((9, 2)), layers.Conv1D(4, 3), layers.GlobalAveragePooling1D(), *end])
        model = ExplainedModel(network, task)
        x = np.random.default_rng(0).normal(size=(2, 9, 2)).astype(np.float32)
        if "ReLU" in name:
            assert model.places.pooled is None, name
            continue
        maps = cam.maps(model, x, np.zeros(2, np.int64))
        bias = next(layer for layer in end if layer.weights).get_weights()[1][0]
        np.testing.assert_allclose(maps.mean(1) + bias, model.logits(x)[:, 0], rtol=1e-4, atol=1e-5, err_msg=name)
