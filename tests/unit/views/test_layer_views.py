"""Conductance and influence of layers and neurons against closed forms, and what they may not be asked of."""

import numpy as np
import pytest

from pellucid.errors import InputError
from pellucid.explain import integrated_gradients
from pellucid.network.explained_model import ExplainedModel
from pellucid.targets import contrast
from pellucid.views import layer_conductance, neuron_attribution
from pellucid.views.base import ViewData
from pellucid.views.shared import layer_shares
from tests.support import two_inputs

STEPS, CHANNELS, FILTERS, SIZE = 9, 2, 3, 3
UNITS = STEPS - SIZE + 1


def given(x, labels, targets, task="single_label", **more):
    data = ViewData({"classes": ["a", "b", "c"], "task": task}, {})
    data.__dict__["examples"] = {
        "inputs": x, "labels": labels, "predictions": labels, "targets": targets, "indices": np.arange(len(x)), **more,
    }  # fmt: skip
    return data


@pytest.fixture(scope="module")
def squares(keras):
    """Scores that are weighted means of squared values of a linear convolution, with its kernel and the weights."""
    keras.utils.set_random_seed(21)
    inputs = keras.Input((STEPS, CHANNELS))
    conv = keras.layers.Conv1D(FILTERS, SIZE, name="conv", bias_initializer="normal")(inputs)
    squared = keras.layers.Multiply(name="squared")([conv, conv])
    scores = keras.layers.Dense(3, name="scores")(keras.layers.GlobalAveragePooling1D(name="mean")(squared))
    model = keras.Model(inputs, scores)
    kernel, bias = model.get_layer("conv").get_weights()
    return ExplainedModel(model, batch_size=7), kernel, bias, model.get_layer("scores").get_weights()[0]


def convolved(x, kernel, bias):
    """The convolution, unit by unit: (N, units, filters)."""
    return np.stack([np.einsum("nsc,scf->nf", x[:, p : p + SIZE], kernel) + bias for p in range(UNITS)], axis=1)


@pytest.fixture(scope="module")
def ends():
    rng = np.random.default_rng(5)
    return rng.normal(size=(2, 4, STEPS, CHANNELS)).astype(np.float32)


TARGETS = np.array([0, 2, 1, contrast(2, 0)])


def slopes(weights):
    """Of each example the weight of every filter in its target: (4, filters)."""
    return np.stack([weights[:, 0], weights[:, 2], weights[:, 1], weights[:, 2] - weights[:, 0]])


@pytest.mark.parametrize("steps", [1, 4, 20])
def test_layer_quantities_of_squares_are_known(squares, ends, steps):
    """Of w y² they are w (y² - y'²), w (y + y') and 2 w y²: the trapezoidal rule is exact for any number of steps."""
    model, kernel, bias, weights = squares
    x, start = ends
    y, before = convolved(x, kernel, bias), convolved(start, kernel, bias)
    w = slopes(weights)[:, np.newaxis] / UNITS
    expected = {
        "conductance": w * (y**2 - before**2),
        "integrated_gradients": w * (y**2 - before**2),
        "influence": w * (y + before),
        "activation_times_gradient": 2 * w * y**2,
    }
    for of, values in expected.items():
        found = layer_shares.shares(model, x, start, TARGETS, "conv", steps, of)
        np.testing.assert_allclose(found, values, atol=2e-5, err_msg=of)
    change = layer_shares.change(model, x, start, TARGETS)
    np.testing.assert_allclose(expected["conductance"].sum((1, 2)), change, atol=1e-4)


def test_neuron_maps_of_squares_are_known(squares, ends):
    """Conductance of a filter: (x - x') · Σ w (y + y') · kernel; its integrated gradients: (x - x') · Σ kernel."""
    model, kernel, bias, weights = squares
    x = ends[0]
    y, before = convolved(x, kernel, bias), convolved(np.zeros_like(x), kernel, bias)
    w = slopes(weights) / UNITS
    data = given(x, np.arange(4), TARGETS)
    rng = np.random.default_rng(0)
    parameters = {"layer": "conv", "units": [2, 0], "steps": 3}
    for of in ("conductance", "integrated_gradients", "gradient"):
        found = neuron_attribution.compute(model, data, rng, of=of, **parameters)
        for column, unit in enumerate([2, 0]):
            through = w[:, [unit]] * (y + before)[..., unit] if of == "conductance" else np.ones((4, UNITS))
            expected = np.zeros_like(x)
            for p in range(UNITS):
                expected[:, p : p + SIZE] += through[:, p, np.newaxis, np.newaxis] * kernel[..., unit]
            expected *= 1 if of == "gradient" else x
            np.testing.assert_allclose(found["maps"][:, column], expected, atol=2e-5, err_msg=of)
    np.testing.assert_array_equal(found["units"][:, :, 0], -1)
    # What passes through a filter is the sum of its map, and all filters share the score among them.
    whole = neuron_attribution.compute(model, data, rng, layer="conv", units=[0, 1, 2], steps=3)
    np.testing.assert_allclose(whole["maps"].sum((2, 3)), whole["conductance"], atol=1e-4)
    np.testing.assert_allclose(whole["maps"].sum((1, 2, 3)), whole["change"], atol=1e-4)
    explained = integrated_gradients.explain(model, x, TARGETS, rng, steps=3)
    np.testing.assert_allclose(whole["maps"].sum(1), explained, atol=1e-4)


def test_the_strongest_filters_and_positions_of_each_example(squares, ends):
    model, kernel, bias, weights = squares
    data = given(ends[0], np.arange(4), TARGETS)
    y, before = convolved(ends[0], kernel, bias), convolved(np.zeros_like(ends[0]), kernel, bias)
    conductance = slopes(weights)[:, np.newaxis] / UNITS * (y**2 - before**2)
    found = neuron_attribution.compute(
        model, data, np.random.default_rng(0), layer="conv", shown=2, position="strongest", steps=2
    )
    order = np.argsort(-np.abs(conductance.sum(1)), axis=1)[:, :2]
    np.testing.assert_array_equal(found["units"][..., 1], order)
    for example in range(4):
        for column, unit in enumerate(order[example]):
            position = np.abs(conductance[example, :, unit]).argmax()
            assert found["units"][example, column, 0] == position
            seen = found["maps"][example, column].any(1)
            assert not seen[:position].any()
            assert not seen[position + SIZE :].any()
            total = found["maps"][example, column].sum()
            assert total == pytest.approx(conductance[example, position, unit], abs=2e-5)
    view = layer_conductance.compute(model, data, np.random.default_rng(0), layer="conv", shown=2, steps=2)
    strongest = np.argsort(-np.abs(conductance.sum(1)).mean(0))[:2]
    assert view["filters"].tolist() == strongest.tolist()
    np.testing.assert_allclose(view["maps"], np.moveaxis(conductance[..., strongest], -1, 1), atol=2e-5)
    np.testing.assert_allclose(view["totals"], conductance.sum(1), atol=1e-4)


@pytest.fixture(scope="module")
def branches(keras):
    """A network with a skip, a layer that is used twice, a nested model, an LSTM and a dropout before the skip."""
    keras.utils.set_random_seed(22)
    layers = keras.layers
    inside = keras.Input((STEPS, 4))
    nested = keras.Model(
        inside, layers.Conv1D(4, 3, padding="same", activation="tanh", name="inner")(inside), name="block"
    )
    shared = layers.Dense(4, activation="tanh", name="shared")
    inputs = keras.Input((STEPS, CHANNELS))
    first = layers.Conv1D(4, 3, padding="same", activation="tanh", name="first_conv")(inputs)
    branch = layers.Conv1D(4, 3, padding="same", activation="tanh", name="branch")(
        layers.Dropout(0.5, name="drop")(first)
    )
    joined = layers.Add(name="joined")([first, branch])
    twice = shared(shared(nested(joined)))
    lstm, *states = layers.LSTM(5, return_state=True, name="lstm")(twice)
    both = layers.Concatenate(name="both")([lstm, *states])
    large = keras.initializers.RandomNormal(stddev=20)  # the LSTM passes little on
    return ExplainedModel(keras.Model(inputs, layers.Dense(3, name="scores", kernel_initializer=large)(both)))


@pytest.mark.parametrize("layer", ["first_conv", "joined", "inner", "block", "shared:1", "shared:2", "both", "scores"])
def test_the_units_of_a_layer_that_all_paths_pass_share_the_whole_change(branches, ends, layer):
    x, start = ends
    address = branches.places.of_model(layer) or layer
    whole = layer_shares.shares(branches, x, start, TARGETS, address, 40, "conductance")
    change = layer_shares.change(branches, x, start, TARGETS)
    np.testing.assert_allclose(layer_shares.totals(whole).sum(1), change, atol=1e-3 * np.abs(change).max())
    assert np.abs(change).max() > 0.1
    assert layer_shares.passes_all(branches, layer)


def test_a_branch_has_a_part_and_says_so(branches, ends):
    """What the skip carries and what the branch carries is what both carry where they are added."""
    x, start = ends
    parts = {
        layer: layer_shares.totals(layer_shares.shares(branches, x, start, TARGETS, layer, 40, "conductance")).sum(1)
        for layer in ("joined", "branch", "drop")
    }
    assert not layer_shares.passes_all(branches, "branch")
    assert not layer_shares.passes_all(branches, "drop")
    largest = np.abs(parts["joined"]).max()
    assert np.abs(parts["joined"] - parts["branch"]).max() > 0.1 * largest
    # A dropout gives back its input, which the skip takes as well: its own path is the branch alone.
    np.testing.assert_allclose(parts["drop"], parts["branch"], atol=2e-3 * largest)


def test_layers_that_are_not_one_place_are_refused(branches, ends):
    data, rng = given(ends[0], np.arange(4), TARGETS), np.random.default_rng(0)
    for view in (layer_conductance, neuron_attribution):
        with pytest.raises(InputError, match=r"used 2 times; expected one of its uses: shared:1, shared:2"):
            view.compute(branches, data, rng, layer="shared", steps=2)
        with pytest.raises(InputError, match="layer lstm: found a layer with 3 outputs"):
            view.compute(branches, data, rng, layer="lstm", steps=2)
        with pytest.raises(InputError, match='layer: found "conf"'):
            view.compute(branches, data, rng, layer="conf", steps=2)
    with pytest.raises(InputError, match=r"neuron_attribution\.units: found 4; expected filters from 0 to 3"):
        neuron_attribution.compute(branches, data, rng, layer="joined", units=[1, 4], steps=2)
    with pytest.raises(InputError, match="does not have"):
        branches.neuron_gradient(ends[0], np.tile([[STEPS, 0]], (4, 1)), "joined")
    with pytest.raises(InputError, match="2 numbers for each unit"):
        branches.neuron_gradient(ends[0], np.zeros((4, 3), int), "joined")
    with pytest.raises(InputError, match="units: found"):
        branches.neuron_gradient(ends[0], np.full((4, 2), -1), "joined")


def test_the_gradients_through_all_units_of_a_layer_are_the_gradient(branches, ends):
    x = ends[0]
    for layer, axes, filters in (("joined", 2, 4), ("both", 1, 15)):
        units = [np.tile([-1] * (axes - 1) + [unit], (4, 1)) for unit in range(filters)]
        total = sum(branches.neuron_gradient(x, unit, layer, TARGETS) for unit in units)
        np.testing.assert_allclose(total, branches.gradient(x, TARGETS), atol=1e-4)


def test_the_axes_of_a_transposed_layer_are_those_of_the_input(keras, ends):
    """`units` are counted as in `activations`, whatever the order of the layer's own axes."""
    keras.utils.set_random_seed(23)
    inputs = keras.Input((STEPS, CHANNELS))
    conv = keras.layers.Conv1D(FILTERS, SIZE, activation="tanh", name="conv")(inputs)
    turned = keras.layers.Permute((2, 1), name="turned")(conv)
    scores = keras.layers.Dense(3)(keras.layers.Flatten()(turned))
    model = ExplainedModel(keras.Model(inputs, scores))
    units = np.array([[2, 1], [-1, 0], [4, 2], [6, 0]])
    for target in (None, TARGETS):
        straight = model.neuron_gradient(ends[0], units, "conv", target)
        np.testing.assert_allclose(model.neuron_gradient(ends[0], units, "turned", target), straight, atol=1e-6)
    shares = [layer_shares.shares(model, *ends, TARGETS, name, 9, "conductance") for name in ("conv", "turned")]
    np.testing.assert_allclose(shares[0], shares[1], atol=1e-6)


@pytest.mark.parametrize("task", ["multi_label", "regression"])
def test_labels_and_values(keras, ends, task):
    keras.utils.set_random_seed(24)
    inputs = keras.Input((STEPS, CHANNELS))
    conv = keras.layers.Conv1D(FILTERS, SIZE, activation="tanh", name="conv")(inputs)
    flat = keras.layers.Flatten()(conv)
    scores = keras.layers.Dense(3, activation="sigmoid" if task == "multi_label" else None)(flat)
    model = ExplainedModel(keras.Model(inputs, scores), task)
    data = given(ends[0], np.array([0, 1, 2, 2]), TARGETS, task, answers=np.zeros((4, 3)))
    found = layer_conductance.compute(model, data, np.random.default_rng(0), baseline="mean", examples=2)
    np.testing.assert_allclose(found["totals"].sum(1), found["change"], atol=2e-3)
    assert found["passes_all"]
    assert {"answers", "targets"} <= set(found)


def test_held_inputs_keep_the_values_of_the_example(keras):
    model = two_inputs.convolutional(keras)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(3, two_inputs.STEPS, two_inputs.CHANNELS)).astype(np.float32)
    patient = rng.normal(size=(3, two_inputs.NUMBERS)).astype(np.float32)
    data = given(x, np.arange(3), np.arange(3), **{"other/patient": patient})
    whole = ExplainedModel(model, explained="ecg")
    found = {
        view: view.compute(whole, data, np.random.default_rng(0), layer="conv", baseline="noise")
        for view in (layer_conductance, neuron_attribution)
    }
    for row in range(3):
        alone = given(x[[row]], np.array([row]), np.array([row]), **{"other/patient": patient[[row]]})
        for view, arrays in found.items():
            single = view.compute(whole, alone, np.random.default_rng(0), layer="conv", baseline="noise")
            np.testing.assert_allclose(single["change"], arrays["change"][[row]], atol=1e-6)
            name = "totals" if view is layer_conductance else "maps"
            np.testing.assert_allclose(single[name], arrays[name][[row]], atol=1e-6)
    assert found[layer_conductance]["passes_all"]  # what held inputs make is no path from the input
    np.testing.assert_allclose(found[layer_conductance]["totals"].sum(1), found[layer_conductance]["change"], atol=0.01)


def test_unmeasured_values_stay_and_get_nothing(squares, ends):
    """As for integrated gradients: a value that nobody measured does not move along the line."""
    model, x = squares[0], ends[0]
    measured = np.ones(x.shape, bool)
    measured[:, :4] = False
    data = given(x, np.arange(4), TARGETS, measured=measured)
    found = neuron_attribution.compute(model, data, np.random.default_rng(0), layer="conv", baseline="mean", steps=3)
    assert not found["maps"][:, :, :4].any()
    assert found["maps"][:, :, 4:].any()
    whole = layer_conductance.compute(model, data, np.random.default_rng(0), layer="conv", baseline="mean", steps=3)
    np.testing.assert_allclose(whole["totals"].sum(1), whole["change"], atol=1e-4)
    # The first unit sees unmeasured samples alone.
    assert not whole["maps"][:, :, 0].any()


def test_layers_of_other_axes_are_refused(keras, ends):
    inputs = keras.Input((STEPS, CHANNELS))
    conv = keras.layers.Conv1D(4, SIZE, name="conv")(inputs)
    folded = keras.layers.Reshape((UNITS, 2, 2), name="folded")(conv)
    model = ExplainedModel(keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(folded))))
    data, rng = given(ends[0], np.arange(4), TARGETS), np.random.default_rng(0)
    with pytest.raises(InputError, match="layer folded: found an output of 7 × 2 × 2; expected an output with 2 axes"):
        layer_conductance.compute(model, data, rng, layer="folded", steps=2)
    assert neuron_attribution.compute(model, data, rng, layer="folded", steps=2)["units"].shape == (4, 2, 3)


def test_a_gradient_without_a_number_is_refused(keras, ends):
    """The square root of zero has an infinite slope: with it a map would be empty without a word."""
    inputs = keras.Input((STEPS, CHANNELS))
    conv = keras.layers.Conv1D(FILTERS, SIZE, activation="relu", name="conv")(inputs)
    scores = keras.layers.Dense(3)(keras.layers.Flatten()(keras.ops.sqrt(conv)))
    model = ExplainedModel(keras.Model(inputs, scores))
    data, rng = given(ends[0], np.arange(4), TARGETS), np.random.default_rng(0)
    for view in (layer_conductance, neuron_attribution):
        with pytest.raises(InputError, match="layer conv: found conductance that is NaN or infinite"):
            view.compute(model, data, rng, layer="conv", steps=2)


def test_integrated_gradients_of_a_layer_add_up_and_follow_its_own_line(ends):
    """Behind a ReLU and a product of units, against sums of finite differences on the layer's line."""
    import keras

    keras.utils.set_random_seed(3)
    given_ = keras.Input((STEPS, CHANNELS))
    hidden = keras.layers.Conv1D(3, SIZE, activation="tanh", name="conv")(given_)
    two = [keras.layers.Dense(4, activation="softplus")(keras.layers.Flatten()(hidden)) for _ in range(2)]
    network = keras.Model(given_, keras.layers.Dense(3)(keras.layers.Multiply()(two)))
    model, (x, start) = ExplainedModel(network), ends
    found = layer_shares.shares(model, x, start, TARGETS, "conv", 400, "integrated_gradients")
    np.testing.assert_allclose(found.sum((1, 2)), layer_shares.change(model, x, start, TARGETS), atol=1e-3)
    y, before = model.activations(x, "conv"), model.activations(start, "conv")
    step, unit, alphas = 1e-2, (2, 1), (np.arange(200) + 0.5) / 200
    slope = np.zeros(len(x))
    for alpha in alphas:
        at = before + np.float32(alpha) * (y - before)
        more, less = at.copy(), at.copy()
        more[:, *unit] += step
        less[:, *unit] -= step
        more, less = (model.score_with_output(x, TARGETS, "conv", values) for values in (more, less))
        slope += (more - less).astype(float) / (2 * step) / len(alphas)
    np.testing.assert_allclose(found[:, *unit], (y - before)[:, *unit] * slope, atol=2e-3)
    conductance = layer_shares.shares(model, x, start, TARGETS, "conv", 400, "conductance")
    assert np.abs(conductance - found).max() > 0.01
