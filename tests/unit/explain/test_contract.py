"""The one contract, over all methods."""

import numpy as np
import pytest

from pellucid import plugins
from pellucid.explain.base import holds
from pellucid.probe import Probe
from pellucid.schema import parameters_schema, with_defaults

METHODS = plugins.load("explain")
NETWORKS = ["heartbeat", "multivariate", "digit"]
# Defaults are made for series of a hundred samples and more.
FITTING = {("digit", "occlusion"): {"window": 3}}


def parameters(method, network):
    return with_defaults(FITTING.get((network, method), {}), parameters_schema(METHODS[method].SPEC.parameters))


@pytest.fixture(params=NETWORKS)
def case(request, rng):
    model = request.getfixturevalue(request.param)
    inputs = rng.random((5, *model.input_shape[1:]), np.float32)
    return request.param, model, inputs, np.arange(5) % model.output_shape[1]


@pytest.fixture(params=METHODS)
def method(request):
    return request.param


def run(method, network, model, inputs, targets, seed=7, **probe):
    return METHODS[method].explain(
        Probe(model, **probe), inputs, targets, np.random.default_rng(seed), **parameters(method, network)
    )


def test_gives_finite_float32_of_the_inputs_shape(method, case):
    network, model, inputs, targets = case
    found = run(method, network, model, inputs, targets)
    assert found.shape == inputs.shape
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert np.ptp(found) > 0 or method == "all_equal"


def test_same_seed_same_bytes(method, case):
    network, model, inputs, targets = case
    first, second = (run(method, network, model, inputs, targets) for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_order_and_size_of_batches_do_not_matter(method, case):
    network, model, inputs, targets = case
    whole = run(method, network, model, inputs, targets)
    # Float32 carries the logit to seven digits, and a drop is the difference of two.
    tolerance = 2e-5 * np.abs(whole).max() + 2e-6
    back = run(method, network, model, inputs[::-1], targets[::-1], batch_size=2)[::-1]
    alone = run(method, network, model, inputs[2:3], targets[2:3])
    np.testing.assert_allclose(back, whole, atol=tolerance)
    np.testing.assert_allclose(alone, whole[2:3], atol=tolerance)


def test_inputs_are_left_as_they_were(method, case):
    network, model, inputs, targets = case
    before = inputs.copy()
    run(method, network, model, inputs, targets)
    np.testing.assert_array_equal(inputs, before)


def test_target_is_honoured(method, case):
    if METHODS[method].SPEC.family == "control":
        pytest.skip("a control looks at no class")
    network, model, inputs, targets = case
    other = (targets + 1) % model.output_shape[1]
    assert not np.allclose(run(method, network, model, inputs, targets), run(method, network, model, inputs, other))


def test_declaration_per_channel_is_true(method, multivariate, rng):
    inputs, targets = rng.random((3, 100, 6), np.float32), np.arange(3)
    found = run(method, "multivariate", multivariate, inputs, targets)
    differ = not np.allclose(found, found[..., :1])
    assert differ == holds(METHODS[method].SPEC.per_channel, parameters(method, "multivariate"))


def test_declaration_signed_is_true(method, case):
    network, model, inputs, targets = case
    found = run(method, network, model, inputs, targets)
    if not holds(METHODS[method].SPEC.signed, parameters(method, network)):
        assert found.min() >= 0
    else:
        assert found.min() < 0


def test_spec_says_what_people_need(method):
    spec = METHODS[method].SPEC
    assert spec.title
    assert spec.paper
    assert spec.unit
    assert spec.family in {"gradient", "class activation", "perturbation", "Shapley", "intrinsic", "control"}
    for name, declared in spec.parameters.items():
        assert "description" in declared, name
        assert "default" in declared, name
