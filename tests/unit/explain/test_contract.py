"""The one contract, over all methods on all networks that have what they require."""

import functools

import numpy as np
import pytest

from pellucid import plugins
from pellucid.config.schema_errors import parameters_schema, with_defaults
from pellucid.draw.shared.families import FAMILIES
from pellucid.explain.base import holds
from pellucid.network.explained_model import ExplainedModel
from tests.support.explained import opened

METHODS = plugins.load("explain")
# Fixtures, and the architectures whose features they have.
NETWORKS = {
    "heartbeat": "heartbeat_cnn",
    "multivariate": "multivariate_cnn",
    "digit": "digit_cnn",
    "gap_series": "gap_cnn",
    "gap_image": "gap_cnn",
    "attention": "attention_lstm",
    "mil": "mil_cnn",
    "encoder": "transformer",
}
ONE_CHANNEL = ("heartbeat", "digit")
IMAGES = ("digit", "gap_image")
PAIRS = [
    (method, network)
    for method, module in METHODS.items()
    for network, architecture in NETWORKS.items()
    if set(module.SPEC.requires) <= set(plugins.spec("models", architecture).features)
    and ("image" if network in IMAGES else "series") in module.SPEC.kinds
]
# One series of several channels and one image for each method; the other networks are slow tests.
SERIES = ("multivariate", "gap_series", "attention", "mil", "encoder")
FIRST = {
    pair
    for method in METHODS
    for networks in (SERIES, IMAGES)
    for pair in [(method, network) for network in networks if (method, network) in PAIRS][:1]
}
CASES = [pair if pair in FIRST else pytest.param(pair, marks=pytest.mark.slow) for pair in PAIRS]
NAMES = ["-".join(pair) for pair in PAIRS]
SEVERAL_CHANNELS = [place for place, (_, network) in enumerate(PAIRS) if network not in ONE_CHANNEL]


# Defaults are made for series of a hundred samples and more. Where all of a few maps speak against a class, the ReLU
# leaves nothing.
FITTING = {
    ("digit", "occlusion"): {"window": 3},
    ("digit", "augmented_occlusion"): {"window": 3},
    ("gap_image", "occlusion"): {"window": 3},
    ("gap_image", "augmented_occlusion"): {"window": 3},
    ("multivariate", "kernel_shap"): {"partition": "windows", "window": 9},
    ("multivariate", "lime"): {"partition": "windows", "window": 7},
    ("gap_series", "ablation_cam"): {"relu": False},
    ("gap_series", "hsic"): {"partition": "change_points"},
    ("gap_series", "kernel_shap"): {"partition": "change_points", "segments": 4},
    ("gap_series", "lime"): {"partition": "change_points"},
    ("gap_series", "sobol"): {"partition": "change_points"},
    ("encoder", "ablation_cam"): {"relu": False},
    # Many of its sums are near zero, and what is divided by them carries their rounding.
    ("encoder", "lrp"): {"epsilon": 0.01},
}
# What holds for some samples holds for more.
FEW = {
    "rise": {"masks": 200},
    "lime": {"samples": 300},
    "gradient_shap": {"samples": 50},
    "augmented_occlusion": {"background": 2, "stride": 2},
    "deep_shap": {"background": 8},
    "sobol": {"designs": 8},
    "hsic": {"samples": 64},
    "extremal_perturbation": {"iterations": 20, "areas": [0.1, 0.2]},
    "dynamask": {"iterations": 20, "areas": [0.1, 0.2]},
    "extremal_mask": {"iterations": 20},
}


# Their maps say what a layer reacts to, whatever the class.
OF_NO_CLASS = ("eigen_cam",)
# Half of one step in fifty lies at a baseline that is the same everywhere. There all positions of a feature map are equal,
# and rounding decides which of them max pooling takes: its gradient has no value of its own.
TIES = {("integrated_gradients", "multivariate"): 1e-2}
# Adam divides a gradient by its own size: in a search of many steps the rounding of small gradients grows.
SEARCHES = ("dynamask", "extremal_mask", "extremal_perturbation")


def parameters(method, network):
    given = {**FEW.get(method, {}), **FITTING.get((network, method), {})}
    return with_defaults(given, parameters_schema(plugins.parameters(METHODS[method])))


def run(method, network, model, inputs, targets, **explained_model):
    return explain(method, network, opened(model, **explained_model), inputs, targets)


def explain(method, network, explained_model, inputs, targets):
    module = METHODS[method]
    training = np.random.default_rng(1).random((20, *inputs.shape[1:]), np.float32)
    given = {"training": training} if module.SPEC.needs_training else {}
    rng = np.random.default_rng(7)
    return module.explain(explained_model, inputs, targets, rng, **given, **parameters(method, network))


@functools.cache
def explained(method, network, model):
    """Five inputs of a network, their targets and their attributions, which most tests look at."""
    inputs = np.random.default_rng(0).random((5, *model.input_shape[1:]), np.float32)
    targets = np.arange(5) % model.output_shape[1]
    before = inputs.copy()
    found = run(method, network, model, inputs, targets)
    np.testing.assert_array_equal(inputs, before, err_msg="the inputs are not left as they were")
    for array in (inputs, targets, found):
        array.flags.writeable = False
    return inputs, targets, found


@pytest.fixture(params=CASES, ids=NAMES)
def case(request):
    method, network = request.param
    return method, network, request.getfixturevalue(network)


def test_every_method_has_a_network():
    assert {method for method, _ in PAIRS} == set(METHODS)


def test_gives_finite_float32_of_the_inputs_shape(case):
    inputs, _, found = explained(*case)
    assert found.shape == inputs.shape
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert np.ptp(found) > 0 or case[0] == "all_equal"


def test_same_seed_same_bytes(case):
    inputs, targets, found = explained(*case)
    # Nor do they depend on what was asked of the model before.
    method, network, model = case
    assert explain(method, network, ExplainedModel(model), inputs, targets).tobytes() == found.tobytes()


def test_order_and_size_of_batches_do_not_matter(case):
    inputs, targets, whole = explained(*case)
    # Float32 carries the logit to seven digits, and a drop is the difference of two.
    share = 5e-3 if case[0] in SEARCHES else TIES.get(case[:2], 2e-5)
    tolerance = share * np.abs(whole).max() + 2e-6
    back = run(*case, inputs[::-1], targets[::-1], batch_size=7)[::-1]
    alone = run(*case, inputs[2:3], targets[2:3])
    np.testing.assert_allclose(back, whole, atol=tolerance)
    np.testing.assert_allclose(alone, whole[2:3], atol=tolerance)


def test_target_is_honoured_unless_it_is_not_looked_at(case):
    inputs, targets, found = explained(*case)
    other = run(*case, inputs, (targets + 1) % case[2].output_shape[1])
    # A control looks at no class; a network says of itself only how much a part counts for all of them.
    if METHODS[case[0]].SPEC.family in ("control", "intrinsic") or case[0] in OF_NO_CLASS:
        np.testing.assert_array_equal(other, found)
    else:
        assert not np.allclose(other, found)


@pytest.mark.parametrize(
    "case",
    [CASES[place] for place in SEVERAL_CHANNELS],
    ids=[NAMES[place] for place in SEVERAL_CHANNELS],
    indirect=True,
)
def test_declaration_per_channel_is_true(case):
    _, _, found = explained(*case)
    differ = not np.allclose(found, found[..., :1])
    assert differ == holds(METHODS[case[0]].SPEC.per_channel, parameters(*case[:2]))


def test_declaration_signed_is_true(case):
    _, _, found = explained(*case)
    if not holds(METHODS[case[0]].SPEC.signed, parameters(*case[:2])):
        assert found.min() >= 0
    else:
        assert found.min() < 0


@pytest.mark.parametrize("method", METHODS)
def test_spec_says_what_people_need(method):
    spec = METHODS[method].SPEC
    assert spec.title
    assert spec.paper
    assert spec.unit
    assert spec.family in FAMILIES
    assert not plugins.required(METHODS[method])
