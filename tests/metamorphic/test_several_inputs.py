"""Explanations of one input of a model with several, against closed forms and a model whose constants are baked in."""

import numpy as np
import pytest

import pellucid
from pellucid import plugins
from pellucid.errors import InputError
from tests.support import two_inputs

N, M = 3, 7
HELD = {"ecg": "patient", "patient": "ecg"}


@pytest.fixture(scope="module")
def inputs():
    rng = np.random.default_rng(3)
    ecg = rng.standard_normal((N, two_inputs.STEPS, two_inputs.CHANNELS)).astype(np.float32)
    return {"ecg": ecg, "patient": rng.standard_normal((N, two_inputs.NUMBERS)).astype(np.float32)}


@pytest.fixture(scope="module")
def training():
    rng = np.random.default_rng(4)
    ecg = rng.standard_normal((M, two_inputs.STEPS, two_inputs.CHANNELS)).astype(np.float32)
    return {"ecg": ecg, "patient": rng.standard_normal((M, two_inputs.NUMBERS)).astype(np.float32)}


def of_linear(model, inputs, explained):
    """Return the slope of each score by the explained input: (N, *shape, outputs)."""
    weights = model.get_layer(f"of_{explained}").get_weights()[0]
    return np.broadcast_to(weights.reshape(*inputs[explained].shape[1:], -1), (*inputs[explained].shape, 3))


def of_product(model, inputs, explained):
    """Return the same of a product: the held input's values scale the slopes."""
    held = HELD[explained]
    other, bias = model.get_layer(f"of_{held}").get_weights()
    factor = inputs[held].reshape(N, -1) @ other + bias
    own = model.get_layer(f"of_{explained}").get_weights()[0]
    slopes = np.einsum("pk,nk,kc->npc", own, factor, model.get_layer("head").get_weights()[0])
    return slopes.reshape(*inputs[explained].shape, 3)


CASES = {
    "values": (two_inputs.linear, of_linear, {}, "regression"),
    "labels": (two_inputs.linear, of_linear, {"activation": "sigmoid"}, "multi_label"),
    "classes": (two_inputs.linear, of_linear, {"activation": "softmax"}, "single_label"),
    "product": (two_inputs.product, of_product, {}, "regression"),
}
# The parameters for which each method is exact where the score is affine.
METHODS = {
    "gradient_input": {},
    "integrated_gradients": {},
    "occlusion": {"window": 1},
    "augmented_occlusion": {"background": 1000, "window": 1},
    "kernel_shap": {"segments": two_inputs.STEPS, "samples": 600},
    "deep_shap": {},
}


@pytest.fixture(scope="module", params=CASES)
def case(request, keras):
    make, slopes, options, task = CASES[request.param]
    return make(keras, **options), slopes, task


@pytest.mark.parametrize("explained", HELD)
@pytest.mark.parametrize("method", METHODS)
def test_affine_scores_have_the_closed_form_of_each_input(case, inputs, training, explained, method):
    model, slopes, task = case
    parameters = METHODS[method]
    if explained == "patient":  # windows and segments are single numbers without being told
        parameters = {key: value for key, value in parameters.items() if key == "background"}
    found = pellucid.explain(
        model, inputs, method, input=explained, task=task, target=1, training=training, **parameters
    )
    start = training[explained].mean(0) if method in ("deep_shap", "augmented_occlusion") else 0
    expected = slopes(model, inputs, explained)[..., 1] * (inputs[explained] - start)
    np.testing.assert_allclose(found.attributions, expected, rtol=2e-3, atol=2e-5)
    assert found.attributions.shape == inputs[explained].shape
    assert found.checks["passed"].all(), found.checks


def baked(keras, model, patient):
    """Return the network of one input in which the numbers of one patient are part of a bias."""
    kernel, bias = model.get_layer("numbers").get_weights()
    of_numbers = np.maximum(patient @ kernel + bias, 0)
    hidden, shift = model.get_layer("hidden").get_weights()
    layers, maps = keras.layers, model.get_layer("conv")
    copy = keras.Sequential(
        [
            layers.Input((two_inputs.STEPS, two_inputs.CHANNELS)),
            layers.Conv1D(maps.filters, 3, activation="relu", padding="same", name="conv"),
            layers.GlobalAveragePooling1D(name="pool"),
            layers.Dense(len(shift), activation="relu", name="hidden"),
            layers.Dense(two_inputs.CLASSES, activation="softmax", name="head"),
        ],
        name="both",
    )
    copy.get_layer("conv").set_weights(maps.get_weights())
    copy.get_layer("hidden").set_weights([hidden[: maps.filters], shift + of_numbers @ hidden[maps.filters :]])
    copy.get_layer("head").set_weights(model.get_layer("head").get_weights())
    return copy


FITTING = [
    name
    for name, module in plugins.load("explain").items()
    if module.SPEC.needs_model and not {"attention", "self_attention", "instances", "gap"} & {*module.SPEC.requires}
]


# What holds for some samples and steps holds for more.
FEW = {
    "rise": {"masks": 60},
    "lime": {"samples": 60},
    "kernel_shap": {"samples": 200},
    "gradient_shap": {"samples": 10},
    "sobol": {"designs": 8},
    "hsic": {"samples": 64},
    "extremal_perturbation": {"iterations": 20, "areas": [0.1, 0.2]},
    "dynamask": {"iterations": 20, "areas": [0.1, 0.2]},
    "extremal_mask": {"iterations": 20},
}


@pytest.fixture(scope="module")
def models(keras, inputs):
    model = two_inputs.convolutional(keras)
    return model, [baked(keras, model, patient) for patient in inputs["patient"][:2]]


@pytest.mark.slow
@pytest.mark.parametrize("method", FITTING)
def test_held_values_act_as_a_bias(models, inputs, training, method):
    model, copies = models
    two = {name: array[:2] for name, array in inputs.items()}
    few = FEW.get(method, {})
    found = pellucid.explain(model, two, method, target=1, training=training, **few)
    for row, copy in enumerate(copies):
        expected = pellucid.explain(copy, two["ecg"][row], method, target=1, training=training["ecg"], **few)
        scale = np.abs(expected.attributions).max()
        np.testing.assert_allclose(found.attributions[row], expected.attributions, rtol=0, atol=2e-3 * scale)


@pytest.mark.slow
def test_scores_are_those_of_the_network_with_the_bias(models, inputs, training):
    model, copies = models
    two = {name: array[:2] for name, array in inputs.items()}
    scores = {
        "deletion_insertion": {"steps": 6},
        "faithfulness_correlation": {"runs": 20},
        "infidelity": {"runs": 20},
        "sufficiency": {},
        "sensitivity": {"samples": 3},
        "random_logit": {},
        "seed_stability": {},
        "parameter_randomisation": {},
        "form": {},
    }
    known = {"methods": {"saliency": {}, "lime": {}}, "scores": scores, "target": 1}
    found = pellucid.compare(model, two, training=training, training_y=np.arange(M) % 3, **known)
    for row, copy in enumerate(copies):
        expected = pellucid.compare(
            copy, two["ecg"][row], training=training["ecg"], training_y=np.arange(M) % 3, **known
        )
        for name, values in expected.by_example.items():
            if name.endswith(("/x", "/labels")) or name == "note" or "parameter" in name:
                continue  # the layers of the numbers are randomised, too
            np.testing.assert_allclose(found.by_example[name][row], values[0], rtol=0.02, atol=5e-3, err_msg=name)


def test_lrp_loses_what_flows_into_the_held_input(models, inputs):
    """With epsilon and no biases, relevance is conserved once the share of the held input is counted."""
    model, _ = models
    layers = {name: model.get_layer(name) for name in ("conv", "numbers", "hidden", "head")}
    before = {name: layer.get_weights() for name, layer in layers.items()}
    try:
        for name, layer in layers.items():
            layer.set_weights([before[name][0], np.zeros_like(before[name][1])])
        known = {"target": 1, "composite": "epsilon", "epsilon": 1e-9}
        each = {name: pellucid.explain(model, inputs, "lrp", input=name, **known) for name in HELD}
        total = sum(found.attributions.reshape(N, -1).sum(1) for found in each.values())
        logits = np.log(model.predict(inputs, verbose=0))
        # The logit itself: log-probabilities lack the same constant for all classes.
        from pellucid.network.explained_model import ExplainedModel

        whole = ExplainedModel(model, explained="ecg")
        whole.hold({"patient": inputs["patient"]})
        scores = whole.logits(inputs["ecg"])
        np.testing.assert_allclose(scores - scores[:, :1], logits - logits[:, :1], rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(total, scores[:, 1], rtol=1e-4, atol=1e-6)
    finally:
        for name, layer in layers.items():
            layer.set_weights(before[name])


def test_an_input_that_the_score_does_not_depend_on_is_refused(keras, inputs):
    ecg, patient = keras.Input((12, 2), name="ecg"), keras.Input((2,), name="patient")
    nothing = keras.layers.Rescaling(0.0)(keras.layers.GlobalAveragePooling1D()(ecg))
    scores = keras.layers.Add()([keras.layers.Dense(2)(nothing), keras.layers.Dense(2)(patient)])
    model = keras.Model([ecg, patient], scores)
    with pytest.raises(InputError, match="the explained input changes its score for no example"):
        pellucid.explain(model, inputs, "occlusion", target=0)
    assert pellucid.explain(model, inputs, "occlusion", input="patient", target=0).checks["passed"].all()


def test_maps_joined_with_a_held_series_keep_their_place(keras, inputs):
    """A held series that is concatenated along the channels is no path from the input, and moves nothing."""
    ecg, other = keras.Input((12, 2), name="ecg"), keras.Input((12, 1), name="other")
    layers = keras.layers
    maps = layers.Conv1D(4, 3, activation="relu", name="first")(ecg)
    beside = layers.Conv1D(2, 3, activation="relu", name="beside")(other)
    joined = layers.Concatenate(name="joined")([maps, beside])
    last = layers.Conv1D(5, 3, activation="relu", name="last")(joined)
    model = keras.Model([ecg, other], layers.Dense(2)(layers.GlobalAveragePooling1D()(last)))
    x = {"ecg": inputs["ecg"], "other": inputs["ecg"][:, :, :1]}
    for name in ("ecg", "other"):
        found = pellucid.explain(model, x, "grad_cam", input=name, target=0)
        assert found.attributions.shape == x[name].shape
        places = found._opened.explained.places
        assert places.address(places.ends[-1]) == "last"
        assert found._opened.explained.receptive_field("last").size == (5,)


def test_windows_are_recomputed_alone_while_values_are_held(keras, monkeypatch):
    """Occlusion by the incremental scorer of graphs, and by full passes, for each of several held values."""
    from pellucid.network import window_scores
    from pellucid.network.explained_model import ExplainedModel
    from pellucid.network.incremental_graph import GraphScorer

    layers, rng = keras.layers, np.random.default_rng(6)
    keras.utils.set_random_seed(15)
    ecg, other = keras.Input((160, 1), name="ecg"), keras.Input((160, 1), name="other")
    maps = layers.Conv1D(6, 5, activation="relu", name="first")(ecg)
    maps = layers.Conv1D(6, 5, activation="relu", name="second")(maps)
    scale = layers.Dense(6, activation="sigmoid")(layers.GlobalAveragePooling1D()(other))
    maps = layers.Multiply()([maps, layers.Reshape((1, 6))(scale)])
    maps = layers.Concatenate()([maps, layers.Conv1D(2, 9, activation="relu")(other)])
    last = layers.GlobalAveragePooling1D()(layers.Conv1D(6, 5, activation="relu", name="last")(maps))
    model = keras.Model([ecg, other], layers.Dense(3)(last))
    x, held = (rng.standard_normal((2, 160, 1)).astype(np.float32) for _ in range(2))
    windows = np.arange(0, 150, 10)[:, np.newaxis]
    asked = (np.zeros_like(x[:1]), np.array([1]), windows, (8,), np.full(len(windows), -1))
    scores = {}
    for name, work in (("full", np.inf), ("graph", -1.0)):
        monkeypatch.setattr(window_scores, "_WORK_OF_TRACING", work)
        explained_model = ExplainedModel(model, explained="ecg")
        for row in range(2):
            explained_model.hold({"other": held[row : row + 1]})
            scores[name, row] = explained_model.covered_scores(x[:1], *asked)
        made = list(explained_model._scorers.made.values())
        assert [type(scorer) for scorer in made] == ([GraphScorer] if name == "graph" else [])
    assert np.ptp(scores["full", 0]) > 1e-4
    for row in range(2):
        np.testing.assert_allclose(scores["graph", row], scores["full", row], rtol=1e-5, atol=1e-6)
    assert not np.allclose(scores["full", 0], scores["full", 1])
