"""Counterfactuals against the closed form of linear models, and against parts that are known to be needed."""

import itertools
from io import StringIO

import numpy as np
import pandas as pd
import pytest

from pellucid.errors import InputError
from pellucid.network.explained_model import ExplainedModel
from pellucid.views.counterfactuals import SPEC, compute
from pellucid.views.shared import flips
from pellucid.views.shared.ascent import Statistics
from tests.support.view_data import given

WIDE = Statistics(
    np.zeros(2, np.float32), np.ones(2, np.float32), np.full(2, -1e6, np.float32), np.full(2, 1e6, np.float32)
)


@pytest.fixture(scope="module")
def linear(keras):
    """A linear model of two classes, (10, 2), and the difference of its weights and biases (second less first)."""
    rng = np.random.default_rng(0)
    model = keras.Sequential([keras.Input((10, 2)), keras.layers.Flatten(), keras.layers.Dense(2)])
    kernel, bias = rng.normal(size=(20, 2)).astype(np.float32), np.array([0.3, -0.2], np.float32)
    model.set_weights([kernel, bias])
    return ExplainedModel(model), (kernel[:, 1] - kernel[:, 0]).reshape(10, 2), float(bias[1] - bias[0])


def changed_by(linear, x, **options):
    model, weights, bias = linear
    wanted = ((x * weights).sum((1, 2)) + bias < 0).astype(np.int64)
    settings = {"steps": 2000, "step": 0.02, "sparsity": 0.0, "smooth": 1, **options}
    found = flips.along_gradient(model, x, wanted, WIDE, np.ones(x.shape, bool), **settings)
    assert flips.flipped(model, found, wanted).all()
    return found - x


def test_the_nearest_flip_of_a_linear_model_lies_along_its_weights(linear, rng):
    _, weights, bias = linear
    x = rng.normal(size=(6, 10, 2)).astype(np.float32)
    margin = (x * weights).sum((1, 2)) + bias
    nearest = -margin[:, np.newaxis, np.newaxis] * weights / (weights**2).sum()
    np.testing.assert_allclose(changed_by(linear, x), nearest, atol=1e-4)


def test_with_high_sparsity_the_value_with_the_largest_weight_moves_alone(linear, rng):
    _, weights, bias = linear
    x = rng.normal(size=(4, 10, 2)).astype(np.float32)
    margin = (x * weights).sum((1, 2)) + bias
    change = changed_by(linear, x, sparsity=0.999)
    strongest = np.unravel_index(np.abs(weights).argmax(), weights.shape)
    expected = np.zeros_like(change)
    expected[(slice(None), *strongest)] = -margin / weights[strongest]
    np.testing.assert_allclose(change, expected, atol=1e-4)


def test_an_example_does_not_depend_on_the_others(linear, rng):
    x = rng.normal(size=(5, 10, 2)).astype(np.float32)
    np.testing.assert_allclose(changed_by(linear, x)[2:3], changed_by(linear, x[2:3]), atol=1e-6)


def test_limits_and_unmeasured_values_hold(linear, rng):
    model, weights, bias = linear
    x = rng.uniform(-1, 1, size=(4, 10, 2)).astype(np.float32)
    wanted = ((x * weights).sum((1, 2)) + bias < 0).astype(np.int64)
    measured = np.ones(x.shape, bool)
    measured[:, :3] = False
    limits = Statistics(
        np.zeros(2, np.float32), np.ones(2, np.float32), np.full(2, -1, np.float32), np.full(2, 1, np.float32)
    )
    settings = {"steps": 3000, "step": 0.02, "sparsity": 0.0, "smooth": 1}
    found = flips.along_gradient(model, x, wanted, limits, measured, **settings)
    assert found.min() >= -1
    assert found.max() <= 1
    np.testing.assert_array_equal(found[:, :3], x[:, :3])
    # Within a box, the furthest that a linear model can be brought is known.
    corner = np.where(measured, np.sign(weights * (2 * wanted[:, None, None] - 1)), x)
    reachable = ((corner * weights).sum((1, 2)) + bias > 0) == (wanted == 1)
    np.testing.assert_array_equal(flips.flipped(model, found, wanted), reachable)


def test_values_beyond_the_training_examples_are_not_brought_back_into_their_range(linear, rng):
    model, weights, bias = linear
    x = rng.uniform(-1, 1, size=(4, 10, 2)).astype(np.float32)
    x[:, 0], x[:, 1] = 7, -9  # the first of them is padding
    wanted = ((x * weights).sum((1, 2)) + bias < 0).astype(np.int64)
    measured = np.ones(x.shape, bool)
    measured[:, 0] = False
    limits = Statistics(*(np.full(2, value, np.float32) for value in (0, 1, -1, 1)))
    # Of single values that move one after another, most need not.
    settings = {"steps": 3000, "step": 0.02, "sparsity": 0.999, "smooth": 1}
    found = flips.along_gradient(model, x, wanted, limits, measured, **settings)
    np.testing.assert_array_equal(found[:, 0], x[:, 0])
    moved = found != x
    assert (np.sign(found - x)[moved] == np.sign(weights * (2 * wanted[:, None, None] - 1))[moved]).all()
    assert (found >= np.minimum(x, -1)).all()
    assert (found <= np.maximum(x, 1)).all()


def test_no_change_of_a_model_that_looks_at_nothing(keras, rng):
    model = keras.Sequential([keras.Input((10, 2)), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.set_weights([np.zeros((20, 2), np.float32), np.array([2.0, -1.0], np.float32)])
    x = rng.normal(size=(3, 10, 2)).astype(np.float32)
    found = flips.along_gradient(
        ExplainedModel(model), x, np.ones(3, np.int64), WIDE, np.ones(x.shape, bool),
        steps=20, step=0.1, sparsity=0.0, smooth=1,
    )  # fmt: skip
    np.testing.assert_array_equal(found, x)


def test_a_window_is_taken_where_the_neighbour_differs_in_what_counts(linear):
    model, weights, bias = linear
    x = np.zeros((1, 10, 2), np.float32)
    wanted = np.array([0 if bias > 0 else 1])
    neighbour = x.copy()
    # At one time it has what counts; elsewhere it differs in nothing that the model sees.
    neighbour[0, 6] = 3 * np.sign(weights[6]) * (1 if wanted[0] else -1)
    found = flips.nearest_window(model, x, neighbour, wanted)
    np.testing.assert_array_equal(np.flatnonzero((found != x).any((0, 2))), [6])


def test_no_fewer_channels_would_do(keras, rng):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.Input((12, 4)), keras.layers.Conv1D(6, 3, activation="relu"), keras.layers.GlobalAveragePooling1D(),
         keras.layers.Dense(2)]
    )  # fmt: skip
    pool = rng.normal(size=(60, 12, 4)).astype(np.float32)
    # Half of the examples are of each class.
    kernel, bias = model.layers[-1].get_weights()
    bias[1] -= np.median(np.diff(np.asarray(model(pool)), axis=1))
    model.layers[-1].set_weights([kernel, bias])
    explained = ExplainedModel(model)
    answers = explained.logits(pool).argmax(1)
    x, others = pool[answers == 0][:4], pool[answers == 1][:2]
    assert (len(x), len(others)) == (4, 2)
    wanted = np.ones(len(x), np.int64)
    found = flips.fewest_channels(explained, x, np.repeat(others[None], len(x), 0), wanted)
    assert flips.flipped(explained, found, wanted).all()
    for row in range(len(x)):
        replaced = (found[row] != x[row]).any(0)
        source = next(other for other in others if (other[:, replaced] == found[row][:, replaced]).all())
        for number in range(1, int(replaced.sum())):
            for fewer in itertools.combinations(np.flatnonzero(replaced), number):
                tried = x[row].copy()
                tried[:, list(fewer)] = source[:, list(fewer)]
                if len(fewer) == replaced.sum() - 1:
                    assert explained.logits(tried[None]).argmax() == 0


@pytest.mark.parametrize("of", ["gradient", "native_guide", "comte"])
def test_every_found_example_is_of_the_other_class(linear, of):
    model, weights, bias = linear
    rng = np.random.default_rng(3)
    x = rng.normal(size=(80, 10, 2)).astype(np.float32)
    y = ((x * weights).sum((1, 2)) + bias > 0).astype(np.int64)
    data = given(model, train=(x[:60], y[:60]), test=(x[60:], y[60:]))
    data.examples.update(labels=y[60:66], indices=np.arange(6))
    data.data_info["classes"] = ["no", "yes"]
    found = compute(model, data, np.random.default_rng(0), of=of, layer=model_layer(model))
    assert found["found"].all()
    np.testing.assert_array_equal(model.logits(found["changed"]).argmax(1), found["wanted"])
    np.testing.assert_array_equal(found["wanted"], 1 - found["predictions"])
    assert (found["probabilities_changed"][:, 1] >= 0.5).all()
    assert ((found["plausible"] >= 0) & (found["plausible"] <= 1)).all()
    if of != "gradient":
        # Parts of the nearest real example cannot lie further away than all of it.
        assert (found["distance"] <= 1 + 1e-6).all() or of == "comte"
        assert (found["unchanged"] < 1).all()
    table = pd.read_csv(StringIO(found["csv"]))
    assert list(table["changed to"]) == [["no", "yes"][label] for label in found["wanted"]]
    np.testing.assert_allclose(table["distance"], found["distance"], rtol=1e-6)
    assert {measure.column for measure in SPEC.measures.values()} <= set(table.columns)


def model_layer(model):
    """Return the name of the layer before the scores, which Keras chose."""
    return next(name for name in model.layers if name.startswith("flatten"))


def test_channels_of_a_single_channel_and_classes_without_examples_are_refused(keras, rng):
    model = keras.Sequential([keras.Input((8, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])
    model.set_weights([np.zeros((8, 3), np.float32), np.array([2.0, 1.0, 0.0], np.float32)])
    explained = ExplainedModel(model)
    x, y = rng.normal(size=(20, 8, 1)).astype(np.float32), np.arange(20) % 3
    data = given(explained, train=(x, y), test=(x, y))
    data.examples.update(labels=y[:6], indices=np.arange(6))
    with pytest.raises(InputError, match="comte replaces whole channels"):
        compute(explained, data, rng, of="comte")
    with pytest.raises(InputError, match='"class 1" for no training example'):
        compute(explained, data, rng, of="native_guide")
    found = compute(explained, data, rng, steps=3)
    assert not found["found"].any()
    assert np.isnan(found["distance"]).all()


def test_padding_is_no_value_that_was_left_as_it_is(linear, tmp_path):
    model, weights, bias = linear
    rng = np.random.default_rng(3)
    x = rng.normal(size=(80, 10, 2)).astype(np.float32)
    measured = np.ones(x.shape, bool)
    measured[:, 6:] = False
    x[~measured] = 0
    y = ((x * weights).sum((1, 2)) + bias > 0).astype(np.int64)
    data = given(model, train=(x[:60], y[:60]), test=(x[60:], y[60:]))
    data.examples.update(labels=y[60:66], indices=np.arange(6), measured=measured[60:66])
    data.examples["truth"] = np.zeros((6, 10, 2), bool)
    data.examples["truth"][:, :3] = True
    data.__dict__["training_measured"] = measured[:60]
    found = compute(model, data, rng, of="gradient", sparsity=0.5, layer=model_layer(model))
    same = (found["changed"] == found["inputs"])[:, :6].reshape(6, -1)
    np.testing.assert_allclose(found["unchanged"], same.mean(1))
    np.testing.assert_allclose(found["evidence_share"], 0.5)
    # In units of the deviation of measured values.
    deviation = x[:60, :6].std((0, 1))
    answers = model.logits(x[:60]).argmax(1)
    for row in range(6):
        others = x[:60][answers == found["wanted"][row]]
        away = np.sqrt(np.square((others - found["inputs"][row]) / deviation).sum((1, 2))).min()
        length = np.sqrt(np.square((found["changed"] - found["inputs"])[row] / deviation).sum())
        np.testing.assert_allclose(found["distance"][row], length / away, rtol=1e-4)
